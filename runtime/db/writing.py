"""Writes rows of several tables at once: what a transaction has to tell goes out in one statement where it can."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, insert

Row = Mapping[str, Any]


def write_rows(connection: Connection, rows: Mapping[Table, Sequence[Row]]) -> None:
    """Insert rows table by table; on PostgreSQL those that are the only ones of their table go out together."""
    single = tuple(table for table, found in rows.items() if len(found) == 1)
    together = single if len(single) > 1 and connection.dialect.name == "postgresql" else ()
    if together:
        named = {name: rows[table][0].get(key) for table in together for key, name in _names(table).items()}
        connection.execute(_insert_together(together), named)
    for table, found in rows.items():
        if found and table not in together:
            connection.execute(_insert(table), [{**_blank(table), **row} for row in found])


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _blank(table: Table) -> dict[str, None]:
    return {column.key: None for column in table.c}


@cache
def _insert_together(chosen: tuple[Table, ...]) -> Insert:
    """One statement that writes a row into each of the tables; whoever refers to whom is looked at when it is done."""
    *others, last = (
        insert(table).values({key: bindparam(name, type_=table.c[key].type) for key, name in _names(table).items()})
        for table in chosen
    )
    return last.add_cte(*(each.cte(f"new_{table.name}") for each, table in zip(others, chosen, strict=False)))


@cache
def _names(table: Table) -> dict[str, str]:
    """The parameter for each column."""
    return {column.key: f"{table.name}__{column.key}" for column in table.c}
