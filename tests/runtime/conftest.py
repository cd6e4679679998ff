"""An installation to talk to: services on a fresh database, a clock that tests move, and clients."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from engines.actor import system
from runtime import organisation
from runtime.db.engine import Database
from runtime.identity import passwords
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import run

PASSWORD = "correct horse battery staple"


class MovedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock(now: datetime) -> MovedClock:
    return MovedClock(now)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None, data_dir=tmp_path, database_url=database_url, requests_per_second=10_000, requests_burst=10_000
    )


@pytest.fixture
def services(settings: Settings, database: Database, clock: MovedClock) -> Services:
    return Services(settings, database, clock)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def hire(services: Services, password_hash: str) -> Callable[..., int]:
    """Add a member who signs in with PASSWORD."""

    def add(name: str, **more: object) -> int:
        email = f"{name.lower()}@example.com"
        work = lambda tx: organisation.add_member(tx, name, email, password_hash=password_hash, **more)  # noqa: E731
        return run(services, system("test"), work)

    return add


@pytest.fixture
def modules() -> tuple[ModuleType, ...] | None:
    """The web modules that are served: all of them, unless a test file names fewer."""
    return None


@pytest.fixture
def client(services: Services, modules: tuple[ModuleType, ...] | None) -> Iterator[TestClient]:
    """Nobody in particular, at a browser that says where it comes from."""
    app = create_app(services.settings, services, modules=modules)
    with TestClient(app, base_url="http://127.0.0.1:8000") as opened:
        yield opened


@pytest.fixture
def sign_in(client: TestClient) -> Callable[[str], dict[str, str]]:
    """Sign the client in as a member."""

    def enter(name: str) -> dict[str, str]:
        client.cookies.clear()
        answer = client.post("/api/v1/session", json={"email": f"{name.lower()}@example.com", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    return enter
