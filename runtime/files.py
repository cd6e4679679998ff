"""Uploaded files: stored whole or not at all, claimed by the record that names them, shown only as downloads."""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import puremagic
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from engines.compiled import CompiledField, CompiledForm
from engines.json_values import id_in
from metadata.problems import ROOT, Invalid, LimitExceeded, NotFound, Problem
from metadata.problems import Path as Place
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.services import Services
from runtime.transaction import Tx

Values = Mapping[str, Any]

APP_TOTAL = 5_000_000_000
PIECE = 256 * 1024
UNCLAIMED_LIFE = timedelta(hours=24)
VALUES = ROOT / "values"
TEMPORARY_LIFE = timedelta(hours=1)
SHOWN_INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"}
NEVER_TAKEN = {".exe", ".dll", ".bat", ".cmd", ".com", ".msi", ".scr", ".js", ".vbs", ".ps1", ".sh", ".jar", ".html"}
LOOKED_AT = 64 * 1024  # of the end of a file: there an archive lists what is in it
OFFICE = "application/vnd.openxmlformats-officedocument"
OFFICE_PARTS = {
    b"word/document": f"{OFFICE}.wordprocessingml.document",
    b"xl/workbook": f"{OFFICE}.spreadsheetml.sheet",
    b"ppt/presentation": f"{OFFICE}.presentationml.presentation",
}
SAYS_ITSELF = re.compile(  # the first file of such an archive is called "mimetype" and holds nothing else
    rb"PK\x03\x04.{22}\x08\x00\x00\x00mimetype(application/(?:vnd\.oasis\.opendocument\.[a-z-]+|epub\+zip))", re.DOTALL
)


@dataclass(frozen=True)
class StoredFile:
    """A file as people see it."""

    id: int
    name: str
    size: int
    type: str


def store(tx: Tx, app: str, name: str, content: BinaryIO) -> StoredFile:
    """Keep an upload under a name of ours; it belongs to nobody's record until one claims it."""
    content.seek(0)
    name = safe_name(name)
    _refuse_program(name)
    _refuse_full_store(tx, app)
    folder = tx.settings.files
    folder.mkdir(parents=True, exist_ok=True)
    path, size, digest, kind = _receive(folder, content, tx.settings.file_limit)
    number = new_id()
    storage = f"{digest[:2]}/{number}"
    target = folder / storage
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)
    row = {"id": number, "app": app, "name": name, "size": size, "type": kind, "sha256": digest, "storage": storage}
    tx.connection.execute(insert(tables.file).values(**row, uploaded_by=tx.actor.member, at=tx.now))
    return StoredFile(number, name, size, kind)


def claim_for(tx: Tx, app: str, form: CompiledForm, record: int, before: Values | None, after: Values) -> None:
    """Give a saved record the files that its fields, or those of its rows, name anew."""
    had = {file for _, _, files in _named(form, before or {}, VALUES) for file in files}
    for place, field, files in _named(form, after, VALUES):
        if fresh := [file for file in files if file not in had]:
            claim(tx, app, form.id, field, record, fresh, place)


def claim(
    tx: Tx, app: str, form: str, field: CompiledField, record: int, files: Sequence[str], place: Place = VALUES
) -> None:
    """Give files to a record: those the actor uploaded himself, and those it has already; nobody else's."""
    wanted = {id for file in files if (id := id_in(file)) is not None}
    free: ColumnElement[bool] = tables.file.c.record.is_(None)
    if not tx.actor.is_system:
        free = free & (tables.file.c.uploaded_by == tx.actor.member)
    here = (tables.file.c.form == form) & (tables.file.c.record == record)
    claimed = update(tables.file).where(tables.file.c.id.in_(wanted), tables.file.c.app == app, free | here)
    done = tx.connection.execute(claimed.values(form=form, field=field.id, record=record)).rowcount if wanted else 0
    if done != len(set(files)) and not tx.actor.is_system:
        message = {"en": "A file is not there (any more); upload it again", "zh": "文件不存在，请重新上传"}
        raise Invalid(Problem(place, "unknown_file", message))
    if field.options.accept and not tx.actor.is_system:
        _refuse_unwelcome(tx, field, files, place)


def _refuse_unwelcome(tx: Tx, field: CompiledField, files: Sequence[str], place: Place) -> None:
    """A field may say which endings it takes."""
    welcome = ", ".join(field.options.accept)
    for file in describe(tx, files).values():
        if file.name.rpartition(".")[2].lower() not in field.options.accept:
            message = {"en": f"“{file.name}” is not taken here", "zh": f"此处不接受“{file.name}”"}
            hint = {"en": f"Taken are files that end with {welcome}", "zh": f"接受的文件类型：{welcome}"}
            raise Invalid(Problem(place, "file_type_refused", message, hint))


def _named(form: CompiledForm, record: Values, place: Place) -> Iterator[tuple[Place, CompiledField, Sequence[str]]]:
    """The attachment fields of a record and of its rows, with the files they name."""
    for field in form.fields.values():
        value = record.get(field.id)
        if field.kind.holds_files:
            yield place / field.name, field, value or ()
        elif field.subform is not None:
            for index, row in enumerate(value or ()):
                yield from _named(field.subform, row, place / field.name / index)


def describe(tx: Tx, files: Iterable[str]) -> dict[str, StoredFile]:
    """Give name, size and type of files by id, in one query."""
    wanted = [id for file in files if (id := id_in(file)) is not None]
    rows = tx.connection.execute(select(tables.file).where(tables.file.c.id.in_(wanted))) if wanted else ()
    return {str(row.id): StoredFile(row.id, row.name, row.size, row.type) for row in rows}


def find(tx: Tx, file: int) -> Row:
    """Give the row of a file; whether the actor may see its record is asked by the caller."""
    row = tx.connection.execute(select(tables.file).where(tables.file.c.id == file)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def path_of(services: Services, row: Row) -> Path:
    """Where the file lies; a damaged store is said, not served."""
    path = services.settings.files / row.storage
    if not path.is_file() or path.stat().st_size != row.size:
        message = {"en": "The file is damaged; ask your administrator", "zh": "文件已损坏，请联系管理员"}
        raise NotFound(Problem(ROOT, "file_damaged", message))
    return path


def sweep(services: Services, now: datetime) -> int:
    """Throw away uploads that no record claimed within a day, and what broken or undone uploads left behind."""
    old = (tables.file.c.record.is_(None)) & (tables.file.c.at < now - UNCLAIMED_LIFE)
    with services.database.write() as connection:
        rows = connection.execute(select(tables.file.c.id, tables.file.c.storage).where(old).limit(500)).all()
        connection.execute(delete(tables.file).where(tables.file.c.id.in_([row.id for row in rows])))
    for row in rows:
        (services.settings.files / row.storage).unlink(missing_ok=True)
    for left in (*services.settings.files.glob(".upload-*"), *_without_row(services)):
        if left.stat().st_mtime < (now - TEMPORARY_LIFE).timestamp():
            left.unlink(missing_ok=True)
    return len(rows)


def _without_row(services: Services) -> list[Path]:
    """The stored files that no row knows: their transaction was undone."""
    found = {int(path.name): path for path in services.settings.files.glob("??/*") if path.name.isdigit()}
    with services.database.read() as connection:
        known = set(connection.scalars(select(tables.file.c.id)))
    return [path for number, path in found.items() if number not in known]


def safe_name(name: str) -> str:
    """Give a name without paths, control characters and tricks of writing direction."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(letter for letter in plain if unicodedata.category(letter)[0] != "C")
    kept = re.sub(r'[<>:"|?*]', "_", kept).strip(" .")
    stem, dot, ending = kept.rpartition(".")
    return (f"{stem[:150]}{dot}{ending[:20]}" if dot else kept[:150]) or "file"


def _refuse_program(name: str) -> None:
    if any(f".{part.lower()}" in NEVER_TAKEN for part in name.split(".")[1:]):
        message = {"en": "Programs and web pages are not taken as files", "zh": "不接受程序或网页文件"}
        raise Invalid(Problem(Place(("file",)), "file_type_refused", message))


def _refuse_full_store(tx: Tx, app: str) -> None:
    total = select(func.coalesce(func.sum(tables.file.c.size), 0)).where(tables.file.c.app == app)
    if int(tx.connection.execute(total).scalar_one()) > APP_TOTAL:
        message = {"en": "The files of this app fill 5 GB", "zh": "该应用的文件已达 5 GB"}
        raise LimitExceeded(Problem(ROOT, "storage_limit", message), status=507)


def _receive(folder: Path, content: BinaryIO, maximum: int) -> tuple[str, int, str, str]:
    """Write the upload to a temporary file, safely on disk before anybody hears of it."""
    digest, size, first, last = hashlib.sha256(), 0, b"", b""
    descriptor, path = tempfile.mkstemp(prefix=".upload-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as target:
            while piece := content.read(PIECE):
                first, last = first or piece[:4096], (last + piece)[-LOOKED_AT:]
                size += len(piece)
                if size > maximum:
                    raise _too_large(maximum)
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return path, size, digest.hexdigest(), kind_of(first, last)


def kind_of(first: bytes, last: bytes) -> str:
    """Find out what a file is from its first bytes and its last, never from its name."""
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_archive(first, last)
    try:
        return str(puremagic.from_string(first, mime=True)) or "application/octet-stream"
    except (puremagic.PureError, ValueError):
        return "text/plain" if _is_text(first) else "application/octet-stream"


def _kind_of_archive(first: bytes, last: bytes) -> str:
    """Office programs write archives too; which one it was, the list of what is in it tells."""
    if b"[Content_Types].xml" in last:
        return next((kind for part, kind in OFFICE_PARTS.items() if part in last), "application/zip")
    said = SAYS_ITSELF.match(first)
    return said[1].decode() if said else "application/zip"


def _is_text(first: bytes) -> bool:
    try:
        text = first.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(first) - 4 and b"\x00" not in first
    return "\x00" not in text and not text.lstrip().startswith("<")


def _too_large(maximum: int) -> LimitExceeded:
    megabytes = f"{maximum / 1_000_000:g} MB"
    text = {"en": f"A file may have {megabytes}", "zh": f"文件不能超过 {megabytes}"}
    return LimitExceeded(
        Problem(Place(("file",)), "too_large", text, limit={"name": "file", "max": maximum}), status=413
    )
