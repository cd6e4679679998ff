"""The SQL target: a checked expression as a SQLAlchemy expression for SQLite or PostgreSQL."""

from typing import Any

from sqlalchemy import ColumnElement

from engines.expressions.environment import Moment
from engines.expressions.readable import Readable
from metadata.expressions import Expression


def to_sql(
    expression: Expression, relation: Readable, moment: Moment, dialect: str, decimals: int | None = None
) -> ColumnElement[Any]:
    """The value as a column; with `decimals` a number comes rounded, in the stored form of such a field."""
    raise NotImplementedError


def where(expression: Expression, relation: Readable, moment: Moment, dialect: str) -> ColumnElement[bool]:
    """The condition as a filter: in the forms that can use an index."""
    raise NotImplementedError
