"""Files are kept whole or not at all, and belong to whoever uploaded them until a record claims them."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from engines.actor import Actor
from metadata.problems import Invalid, LimitExceeded, NotFound
from runtime import files
from runtime.services import Services
from runtime.transaction import Tx, run
from tests.runtime.conftest import MovedClock

OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
ADA, EVE = Actor(kind="user", member=7), Actor(kind="user", member=8)
FIELD: Any = SimpleNamespace(id="f_scan", name="scan", options=SimpleNamespace(accept=()))
PDF_ONLY: Any = SimpleNamespace(id="f_scan", name="scan", options=SimpleNamespace(accept=("pdf",)))


def do(services: Services, work: Callable[[Tx], Any], actor: Actor = ADA) -> Any:
    return run(services, actor, work)


def upload(services: Services, content: bytes = b"hello", name: str = "offer.txt") -> files.StoredFile:
    kept: files.StoredFile = do(services, lambda tx: files.store(tx, "crm", name, io.BytesIO(content)))
    return kept


def test_an_upload_is_kept_whole(services: Services) -> None:
    kept = upload(services, "报价单".encode(), "报价单.txt")
    row = do(services, lambda tx: files.find(tx, kept.id))

    assert files.path_of(services, row).read_bytes() == "报价单".encode()
    assert (kept.name, kept.size, kept.type) == ("报价单.txt", 9, "text/plain")
    assert row.sha256


def test_the_type_is_read_from_the_file_and_not_from_its_name(services: Services) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40

    assert upload(services, png, "offer.pdf").type == "image/png"
    assert upload(services, b"<html><script>alert(1)</script>", "offer.txt").type not in files.SHOWN_INLINE
    assert upload(services, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png").type not in files.SHOWN_INLINE


def archive(*parts: str, first: str = "docProps/app.xml", said: bytes = b"<x/>") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        target.writestr(first, said)
        for part in parts:
            target.writestr(part, b"x" * 5_000)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (archive("word/document.xml", "[Content_Types].xml"), f"{files.OFFICE}.wordprocessingml.document"),
        (archive("xl/workbook.xml", "[Content_Types].xml"), f"{files.OFFICE}.spreadsheetml.sheet"),
        (archive("ppt/presentation.xml", "[Content_Types].xml"), f"{files.OFFICE}.presentationml.presentation"),
        (archive("word/document.xml", "photos/1.jpg"), "application/zip"),
        (archive("[Content_Types].xml"), "application/zip"),
        (archive(first="mimetype", said=b"application/vnd.oasis.opendocument.text"), f"{OPEN_DOCUMENT}.text"),
        (archive(first="mimetype", said=b"text/html"), "application/zip"),
        (b"PK\x05\x06" + b"\x00" * 18, "application/zip"),
        (b"PKI is a word", "text/plain"),
    ],
)
def test_an_archive_is_an_office_file_only_where_its_contents_say_so(
    services: Services, content: bytes, kind: str
) -> None:
    assert upload(services, content, "offer.docx").type == kind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\offer.pdf", "offer.pdf"),
        ("a\x00b\u202egnp.txt", "abgnp.txt"),
        ("", "file"),
        (" . ", "file"),
        ('what?"<is>:this|*.txt', "what___is__this__.txt"),
    ],
)
def test_names_lose_their_tricks(given: str, kept: str) -> None:
    assert files.safe_name(given) == kept


@pytest.mark.parametrize("name", ["setup.exe", "page.html", "run.SH", "photo.exe.png"])
def test_programs_are_not_taken(services: Services, name: str) -> None:
    with pytest.raises(Invalid, match="not taken"):
        upload(services, name=name)


def test_too_large_a_file_leaves_nothing_behind(services: Services) -> None:
    with pytest.raises(LimitExceeded):
        upload(services, b"x" * 10_000_001)

    assert [path for path in services.settings.files.rglob("*") if path.is_file()] == []


def test_a_record_claims_only_what_its_writer_uploaded(services: Services) -> None:
    kept = upload(services)
    with pytest.raises(Invalid, match="not there"):
        do(services, lambda tx: files.claim(tx, "crm", "t_deal", FIELD, 1, [str(kept.id)]), EVE)

    do(services, lambda tx: files.claim(tx, "crm", "t_deal", FIELD, 1, [str(kept.id)]))
    do(services, lambda tx: files.claim(tx, "crm", "t_deal", FIELD, 1, [str(kept.id)]), EVE)
    with pytest.raises(Invalid):
        do(services, lambda tx: files.claim(tx, "crm", "t_deal", FIELD, 2, [str(kept.id)]))


def test_a_field_takes_the_endings_that_it_accepts_and_no_others(services: Services) -> None:
    note, offer = upload(services), upload(services, name="offer.PDF")
    with pytest.raises(Invalid, match="not taken here"):
        do(services, lambda tx: files.claim(tx, "crm", "t_deal", PDF_ONLY, 1, [str(note.id)]))

    do(services, lambda tx: files.claim(tx, "crm", "t_deal", PDF_ONLY, 1, [str(offer.id)]))


def test_a_damaged_file_is_said_and_not_served(services: Services) -> None:
    kept = upload(services)
    row = do(services, lambda tx: files.find(tx, kept.id))
    files.path_of(services, row).write_bytes(b"torn")

    with pytest.raises(NotFound, match="damaged"):
        files.path_of(services, row)


def test_what_nobody_claims_goes_after_a_day(services: Services, clock: MovedClock) -> None:
    claimed, forgotten = upload(services), upload(services)
    do(services, lambda tx: files.claim(tx, "crm", "t_deal", FIELD, 1, [str(claimed.id)]))

    assert files.sweep(services, clock.now + timedelta(hours=23)) == 0
    assert files.sweep(services, clock.now + timedelta(hours=25)) == 1
    assert len([path for path in services.settings.files.rglob("*") if path.is_file()]) == 1
    with pytest.raises(NotFound):
        do(services, lambda tx: files.find(tx, forgotten.id))
