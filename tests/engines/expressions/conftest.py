"""The nasty records on both databases at once, for tests that compare the targets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.db.engine import Database, open_database
from tests.engines.expressions.orders import Record, Tables, records


@pytest.fixture(scope="session")
def pool() -> list[Record]:
    return records()


@pytest.fixture(scope="session")
def both_databases(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Any, pool: list[Record]
) -> Iterator[dict[str, tuple[Database, Tables]]]:
    path: Path = tmp_path_factory.mktemp("expressions") / "pool.sqlite3"
    with postgresql_server.database(template="template0") as url:
        opened = {"sqlite": open_database(f"sqlite:///{path}"), "postgresql": open_database(url)}
        filled = {}
        for name, database in opened.items():
            with database.write() as connection:
                filled[name] = (database, Tables(connection, pool))
        yield filled
        for database in opened.values():
            database.dispose()
