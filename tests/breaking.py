"""Makes a statement fail, as a database does that gives up in the middle of a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from runtime.services import Services


class Broken(Exception):
    """The database gave up, just here."""


@contextmanager
def breaking(services: Services, at: int | None = None) -> Iterator[list[str]]:
    """Let the statement with this number fail; tell all that were sent."""
    seen: list[str] = []
    engine = services.database.engine

    def look(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)
        if len(seen) == at:
            raise Broken(statement)

    sa.event.listen(engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", look)
