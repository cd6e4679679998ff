"""A backup: database and files in one archive, verified after writing; and the way back into an empty place (F43)."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engines.actor import system
from runtime import audit, vault
from runtime.backup.database import BackupFailed, Dump, dump_of
from runtime.db import tables
from runtime.db.migrate import current_version
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import run

FORMAT = 1
MANIFEST = "backup.json"
FILE_NAME = re.compile(r"files/[0-9a-f]{2}/[0-9]{1,19}")
PIECE = 1024 * 1024
LARGEST_MANIFEST = 500_000_000
BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Written:
    """What a backup holds: how many files, how many bytes, and the files whose rows are there but not they."""

    files: int
    bytes: int
    missing: tuple[str, ...]


def back_up(services: Services, target: Path) -> Written:
    """Write the backup beside its place, read all of it back, and only then give it its name."""
    if target.exists():
        raise BackupFailed(f"{target} is there already; choose another name")
    if not target.parent.is_dir():
        raise BackupFailed(f"There is no folder {target.parent}")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
        made = Path(folder) / "backup.zip"
        try:
            written = _write(services, made, Path(folder))
            verify(made)
        except (OSError, zipfile.BadZipFile, sqlite3.Error) as error:
            raise BackupFailed(str(error)) from None
        made.chmod(0o600)  # it holds everything
        os.replace(made, target)
    detail = {"files": written.files, "bytes": written.bytes, "missing": len(written.missing)}
    run(services, system("command line"), lambda tx: audit.note(tx, "backed_up", kind="installation", detail=detail))
    return written


def verify(archive: Path) -> Mapping[str, Any]:
    """Read every byte of a backup and compare it with what the backup says of itself; gives its description."""
    try:
        with zipfile.ZipFile(archive) as opened:
            manifest = _manifest(opened)
            for name, told in manifest["entries"].items():
                with opened.open(name) as entry:
                    if _digest(entry) != told["sha256"]:
                        raise BackupFailed(f"{archive} is damaged: {name} is not what was written")
            return manifest
    except BROKEN as error:
        raise BackupFailed(f"{archive} is no backup, or is damaged ({error})") from None


def restore(settings: Settings, archive: Path) -> Mapping[str, Any]:
    """Bring a backup back into an installation that has no database yet; the database comes last."""
    manifest, dump = verify(archive), dump_of(settings.database)
    if manifest["database"] != dump.name:
        raise BackupFailed(f"This is a backup of {manifest['database']}, and the settings name {dump.name}")
    if dump.entry not in manifest["entries"]:
        raise BackupFailed(f"{archive} holds no database")
    dump.require_empty()
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as folder:
        with zipfile.ZipFile(archive) as opened:
            for name in manifest["entries"]:
                _extract(opened, name, Path(folder) / name)
        for name in manifest["entries"]:
            if FILE_NAME.fullmatch(name):
                place = settings.files / name.removeprefix("files/")
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(folder) / name, place)
        dump.restore(Path(folder) / dump.entry)
    return manifest


def lost_key(settings: Settings, manifest: Mapping[str, Any]) -> str | None:
    """The name of the master key that the backup's secrets need, where another one is here."""
    needed: str | None = manifest.get("master_key")
    return needed if needed is not None and needed != vault.key_id(vault.master_key(settings)) else None


def _write(services: Services, made: Path, folder: Path) -> Written:
    dump: Dump = dump_of(services.settings.database)
    dump.write(folder / dump.entry)  # first the database, then the files: a file too many does no harm
    entries: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    with zipfile.ZipFile(made, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _add(archive, entries, dump.entry, folder / dump.entry)
        for storage in dump.files(folder / dump.entry):
            path = services.settings.files / storage
            if path.is_file():
                _add(archive, entries, f"files/{storage}", path)
            else:
                missing.append(storage)
        archive.writestr(MANIFEST, json.dumps(_description(services, dump, entries)))
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    return Written(len(entries) - 1, made.stat().st_size, tuple(missing))


def _description(services: Services, dump: Dump, entries: Mapping[str, Any]) -> dict[str, Any]:
    with services.database.read() as connection:
        version = current_version(connection)
        sealed = connection.scalar(select(tables.second_factor.c.secret).limit(1))
    return {
        "format": FORMAT,
        "at": services.clock().isoformat(),
        "database": dump.name,
        "version": version,
        "master_key": sealed.partition(".")[0] if sealed else None,
        "entries": entries,
    }


def _add(archive: zipfile.ZipFile, entries: dict[str, dict[str, Any]], name: str, path: Path) -> None:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while piece := source.read(PIECE):
            digest.update(piece)
            target.write(piece)
            size += len(piece)
    entries[name] = {"sha256": digest.hexdigest(), "size": size}


def _manifest(opened: zipfile.ZipFile) -> Mapping[str, Any]:
    """The description of a backup, in which nothing names a place outside of it."""
    if opened.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise ValueError("its description is too large")
    manifest = json.loads(opened.read(MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or "database" not in manifest:
        raise ValueError("its format is unknown")
    if not isinstance(manifest["entries"], dict):
        raise ValueError("its format is unknown")
    known = {"database.sqlite3", "database.dump"}
    if odd := [name for name in manifest["entries"] if name not in known and not FILE_NAME.fullmatch(name)]:
        raise ValueError(f"it holds {odd[0]!r}")
    return manifest


def _extract(opened: zipfile.ZipFile, name: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(name) as source, place.open("wb") as target:
        shutil.copyfileobj(source, target, PIECE)
        target.flush()
        os.fsync(target.fileno())


def _digest(entry: Any) -> str:
    digest = hashlib.sha256()
    while piece := entry.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
