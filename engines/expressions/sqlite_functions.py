"""The functions that SQLite lacks, registered on every connection."""

from typing import Any


def register_sqlite_functions(dbapi_connection: Any) -> None:
    """Register them all; deterministic and total."""
