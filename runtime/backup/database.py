"""Copies of the database for backups: SQLite by its online backup, PostgreSQL by its own tools."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, make_url, select

from runtime.db import tables
from runtime.db.engine import open_database
from runtime.db.migrate import current_version

# Nobody is signed in after a restore, and no link works: what was ended since the backup must not come back.
LEFT_OUT = ("ff_session", "ff_ticket")


class BackupFailed(Exception):
    """No backup was written, or none can be brought back; says why."""


class Dump(Protocol):
    """How one kind of database is copied into a file and back."""

    name: str
    entry: str

    def write(self, path: Path) -> None: ...
    def files(self, path: Path) -> Iterator[str]: ...
    def require_empty(self) -> None: ...
    def restore(self, path: Path) -> None: ...


def dump_of(address: str) -> Dump:
    """The way to copy the database of an address."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        return SqliteDump(Path(url.database or ""))
    return PostgresDump(url)


class SqliteDump:
    """One file, copied while others write to it."""

    name, entry = "sqlite", "database.sqlite3"

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, path: Path) -> None:
        """Copy the database as it is at one moment, and look whether the copy is sound."""
        with closing(sqlite3.connect(self.file, timeout=30)) as source, closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
            for table in LEFT_OUT:
                copy.execute(f"DELETE FROM {table}")
            copy.commit()
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("VACUUM")
            _require_sound(copy)

    def files(self, path: Path) -> Iterator[str]:
        """The files that the copy knows of."""
        with closing(sqlite3.connect(path)) as copy:
            yield from (row[0] for row in copy.execute("SELECT storage FROM ff_file ORDER BY id"))

    def require_empty(self) -> None:
        for path in (self.file, *(Path(f"{self.file}{ending}") for ending in ("-wal", "-shm"))):
            if path.exists():
                raise BackupFailed(f"There is a database already: move {path} away first")

    def restore(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as copy:
            _require_sound(copy)
        os.replace(path, self.file)


class PostgresDump:
    """A database on a server, copied by pg_dump and brought back by pg_restore."""

    name, entry = "postgresql", "database.dump"

    def __init__(self, url: URL) -> None:
        self.url = url

    def write(self, path: Path) -> None:
        left_out = [f"--exclude-table-data={table}" for table in LEFT_OUT]
        self._call("pg_dump", "--format=custom", "--no-owner", "--no-privileges", *left_out, f"--file={path}")

    def files(self, path: Path) -> Iterator[str]:
        """The files that the database knows of by now, and so all of those in the copy that are still there."""
        database = open_database(self.url.render_as_string(hide_password=False))
        try:
            with database.read() as connection:
                yield from connection.scalars(select(tables.file.c.storage).order_by(tables.file.c.id)).all()
        finally:
            database.dispose()

    def require_empty(self) -> None:
        database = open_database(self.url.render_as_string(hide_password=False))
        try:
            with database.read() as connection:
                if current_version(connection) is not None:
                    raise BackupFailed(f"The database {self.url.database} is in use: name an empty one")
        finally:
            database.dispose()

    def restore(self, path: Path) -> None:
        self._call("pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(path))

    def _call(self, program: str, *words: str) -> None:
        """Call a tool of PostgreSQL; the password goes through the environment, where nobody else sees it."""
        if shutil.which(program) is None:
            raise BackupFailed(f"{program} is not installed here; it belongs to the client programs of PostgreSQL")
        place = self.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
        secret = {"PGPASSWORD": self.url.password} if self.url.password else {}
        command = [program, f"--dbname={place}", "--no-password", *words]
        done = subprocess.run(command, env={**os.environ, **secret}, capture_output=True, text=True)
        if done.returncode != 0:
            raise BackupFailed(f"{program}: {done.stderr.strip()[-1000:]}")


def _require_sound(copy: sqlite3.Connection) -> None:
    found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise BackupFailed(f"The database is damaged ({found})")
