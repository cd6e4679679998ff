"""What must hold before a server or worker starts; each refusal is one clear sentence."""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError
from sqlalchemy import exc, make_url, select

from runtime import vault
from runtime.db import tables
from runtime.db.migrate import WrongDatabaseVersion, require_current
from runtime.services import Services, open_services
from runtime.settings import Settings

CONFIGURATION = 78  # EX_CONFIG of sysexits.h
SMALL_ENOUGH_TO_CHECK = 64_000_000


class CannotStart(Exception):
    """Something outside this program has to be put right first."""


def read_settings() -> Settings:
    """Read the settings, or say which variable is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = (f"FOURFOLD_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise CannotStart("These settings are not right:\n  " + "\n  ".join(wrong)) from None


def open_installation(settings: Settings) -> Services:
    """Open the data directory and the database, or say what is wrong with them."""
    require_writable(settings.data_dir)
    refuse_corrupt_file(settings)
    try:
        return open_services(settings)
    except (ValueError, exc.ArgumentError) as error:
        raise CannotStart(f"FOURFOLD_DATABASE_URL: {error}") from None


def require_version(services: Services) -> None:
    """Refuse a database of another version than this program needs."""
    try:
        require_current(services.database)
    except WrongDatabaseVersion as error:
        raise CannotStart(str(error)) from None
    except exc.OperationalError as error:
        raise CannotStart(f"The database cannot be reached: {error.orig}") from None


def warn_of_lost_key(services: Services) -> None:
    """Say so where secrets were sealed with another master key than this process has; recovery codes still work."""
    newest = select(tables.second_factor.c.secret).order_by(tables.second_factor.c.created_at.desc()).limit(1)
    with services.database.read() as connection:
        sealed = connection.scalar(newest)
    if sealed is not None and (needed := sealed.partition(".")[0]) != vault.key_id(vault.master_key(services.settings)):
        print(f"fourfold: second factors need the master key {needed}, which is not here", file=sys.stderr)  # noqa: T201


def require_writable(folder: Path) -> None:
    """Refuse a data directory in which nothing can be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotStart(f"Nothing can be written to {folder} ({reason}): set FOURFOLD_DATA_DIR") from None


def refuse_corrupt_file(settings: Settings) -> None:
    """Refuse a SQLite file that is damaged, before anything is written to it."""
    path = sqlite_file(settings)
    if path is None or not path.exists() or path.stat().st_size > SMALL_ENOUGH_TO_CHECK:
        return
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if "unable to open" in str(error) or "locked" in str(error):
            return
        found = str(error)
    if found != "ok":
        raise CannotStart(f"The database file {path} is damaged ({found}): restore a backup; nothing was written")


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Let one server or worker at a time work on a SQLite file; short commands may run beside it."""
    path = sqlite_file(settings)
    if path is None:
        yield
        return
    with open(path.with_suffix(".lock"), "a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotStart(f"Another Fourfold already works on {path} (process {lock.read().strip()})") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()} {boot_id()}")
        lock.flush()
        yield


def sqlite_file(settings: Settings) -> Path | None:
    """The file of a SQLite installation; None on PostgreSQL."""
    url = make_url(settings.database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def boot_id() -> str:
    """Which start of the machine this is, so that a process number of yesterday is not mistaken for one of today."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def give_up(error: CannotStart) -> NoReturn:
    """End with the reason on standard error."""
    print(f"fourfold: {error}", file=sys.stderr)  # noqa: T201
    raise SystemExit(CONFIGURATION)
