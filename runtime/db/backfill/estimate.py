"""How long a publish will take, said before it is begun."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from engines.forms.schema_plan import SchemaPlan, Step

ROWS_PER_SECOND: Mapping[str, int] = {
    "convert": 4_000,
    "fill": 6_000,
    "number": 4_000,
    "move": 4_000,
    "add_index": 100_000,
}
"""What a small machine does that has nothing else to do; from it the pause of a publish is estimated."""


@dataclass(frozen=True)
class Work:
    """What a publish has to do besides moving the pointer: how many records are rewritten, and about how long."""

    rows: int = 0
    seconds: int = 0


NO_WORK = Work()


def work_of(connection: sa.Connection, plan: SchemaPlan) -> Work:
    """How many records a publish would rewrite or read, and for about how long; to be said before it is begun."""
    new = {table.name for step, table in _on_tables(plan) if step.kind == "create_table"}
    long = [(step, table) for step, table in _on_tables(plan) if step.kind in ROWS_PER_SECOND]
    tables = {table.name: table for _, table in long}
    rows = {name: _count(connection, _filled_from(table) if name in new else table) for name, table in tables.items()}
    rewritten = {table.name for step, table in long if step.phase == "backfill"}
    seconds = sum(rows[table.name] / ROWS_PER_SECOND[step.kind] for step, table in long)
    return Work(sum(rows[name] for name in rewritten), math.ceil(seconds))


def _on_tables(plan: SchemaPlan) -> list[tuple[Step, sa.Table]]:
    """The steps of a plan with the table that each of them changes."""
    return [(step, step.table) for step in plan.steps if step.table is not None]


def _filled_from(table: sa.Table) -> sa.Table:
    """The table of the records to which the values of a new side table will belong."""
    return next((key.column.table for key in table.foreign_keys), table)


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
