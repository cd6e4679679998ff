"""The books in a fresh database, and server processes that end with the test."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.db.engine import Database
from runtime.services import Services
from runtime.settings import Settings
from tests.faults.books import Books, open_books
from tests.faults.post_office import PostOffice, open_post_office
from tests.faults.server import Server

StartServer = Callable[..., Server]


@pytest.fixture
def services(database: Database, database_url: str, tmp_path: Path) -> Services:
    """This process's own look at the database; time is real here, since other processes take part."""
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url)
    return Services(settings, database, lambda: datetime.now(UTC))


@pytest.fixture
def books(services: Services) -> Books:
    return open_books(services)


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    """Where the servers' mail goes."""
    with open_post_office() as office:
        yield office


@pytest.fixture
def start_server(books: Books, database_url: str, tmp_path: Path, post_office: PostOffice) -> Iterator[StartServer]:
    """Start a server process on the books."""
    started: list[Server] = []

    def start(*words: str) -> Server:
        started.append(Server(database_url, tmp_path, words, post_office.settings).start())
        return started[-1]

    yield start
    for server in started:
        server.kill()
