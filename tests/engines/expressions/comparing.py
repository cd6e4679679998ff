"""Ask the targets for the same expression over the same records."""

from typing import Any

import sqlalchemy as sa

from engines.expressions import NotPushable, evaluate, to_sql, where
from metadata.expressions import EvaluationError, Expression, ExpressionError, check
from runtime.db.engine import Database
from tests.engines.expressions.orders import ASKING, FUNCTIONS, Record, Tables, environment, moment

Databases = dict[str, tuple[Database, Tables]]


def checked(text: str) -> Expression | None:
    """The expression, or None when it is refused (too large, most often)."""
    try:
        return check(text, ASKING, FUNCTIONS)
    except ExpressionError:
        return None


def row_by_row(expression: Expression, pool: list[Record]) -> dict[int, Any] | None:
    """The values by record id; None when a limit was met."""
    try:
        return {record["id"]: evaluate(expression, environment(record)) for record in pool}
    except EvaluationError:
        return None


def in_sql(expression: Expression, database: Database, tables: Tables) -> dict[int, Any] | None:
    """The values as a column; None when the expression has no SQL form."""
    try:
        column = to_sql(expression, tables.relation(), moment(), database.dialect)
    except NotPushable:
        return None
    with database.read() as connection:
        found = connection.execute(sa.select(tables.orders.c.id, column.label("value")))
        return {id: "" if value is None and expression.type.name == "text" else value for id, value in found}


def found_by(expression: Expression, database: Database, tables: Tables) -> set[int]:
    """The ids that a filter finds."""
    condition = where(expression, tables.relation(), moment(), database.dialect)
    with database.read() as connection:
        return set(connection.scalars(sa.select(tables.orders.c.id).where(condition)))


def assert_databases_agree(text: str, databases: Databases, pool: list[Record]) -> None:
    expression = checked(text)
    values = row_by_row(expression, pool) if expression else None
    if expression is None or values is None:
        return
    for name, (database, tables) in databases.items():
        answered = in_sql(expression, database, tables)
        if answered is None:
            continue
        apart = {id: (values[id], answered.get(id)) for id in values if values[id] != answered.get(id, "row lost")}
        assert not apart, (name, text, dict(list(apart.items())[:3]))
        if expression.type.name == "yes_no":
            holding = {id for id, value in values.items() if value}
            assert found_by(expression, database, tables) == holding, (name, text)
