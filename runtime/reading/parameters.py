"""What the kept statements are given when they are executed: ids, and which page."""

from typing import Any

import sqlalchemy as sa

RECORD_ID = sa.bindparam("record_id", type_=sa.BigInteger())
PAGE_LIMIT = sa.bindparam("page_limit", type_=sa.Integer())
PAGE_OFFSET = sa.bindparam("page_offset", type_=sa.Integer())


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Whether a column is one of the ids given as `ids` at execution."""
    return column.in_(sa.bindparam("ids", expanding=True, type_=sa.BigInteger()))
