"""The SQL target: a checked expression as a SQLAlchemy expression for SQLite or PostgreSQL."""

from typing import Any

from sqlalchemy import ColumnElement

from engines.expressions.constants import fold
from engines.expressions.environment import Moment
from engines.expressions.not_pushable import NotPushable
from engines.expressions.postgresql_writer import PostgreSQLWriter
from engines.expressions.readable import Readable
from engines.expressions.sql_size import require_modest
from engines.expressions.sql_writer import SqlWriter
from engines.expressions.sqlite_writer import SQLiteWriter
from metadata.expressions import Expression, Node

WRITERS: dict[str, type[SqlWriter]] = {"sqlite": SQLiteWriter, "postgresql": PostgreSQLWriter}


def to_sql(
    expression: Expression, relation: Readable, moment: Moment, dialect: str, decimals: int | None = None
) -> ColumnElement[Any]:
    """The value as a column; with `decimals` a number comes rounded, in the stored form of such a field."""
    writer, root = _begin(expression, relation, moment, dialect)
    return writer.stored(root, decimals)


def where(expression: Expression, relation: Readable, moment: Moment, dialect: str) -> ColumnElement[bool]:
    """The condition as a filter: in the forms that can use an index."""
    writer, root = _begin(expression, relation, moment, dialect)
    return writer.condition(root, positive=True)


def _begin(expression: Expression, relation: Readable, moment: Moment, dialect: str) -> tuple[SqlWriter, Node]:
    root = fold(expression.root, moment)
    names = {node.value for node in root.walk() if node.kind == "root"}
    if "old" in names or ({"row", "record"} <= names and not hasattr(relation, "record")):
        raise NotPushable({"en": "The values before are not in the database", "zh": "变更前的值不在数据库中"})
    require_modest(root, dialect)
    return WRITERS[dialect](relation, moment), root
