"""What the columns of the platform's tables are made of."""

from typing import Any

from sqlalchemy import JSON, Column, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB

from engines.columns import Id, UtcDateTime

Json = JSON(none_as_null=True)
Document = Json.with_variant(JSONB(none_as_null=True), "postgresql")  # which is read by its keys

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def identity(name: str = "id") -> Column:
    """An id, made by the process before the row is written."""
    return Column(name, Id, primary_key=True, autoincrement=False)


def key(name: str, kind: Any = Text) -> Column:
    """A column of the primary key."""
    return Column(name, kind, primary_key=True, autoincrement=False)


def must(name: str, kind: Any = Text) -> Column:
    """A column that is never NULL."""
    return Column(name, kind, nullable=False)


def may(name: str, kind: Any = Text) -> Column:
    """A column that may be NULL."""
    return Column(name, kind, nullable=True)


def period() -> tuple[Column, Column]:
    """From when, and until when; what has no end holds on."""
    return must("valid_from", UtcDateTime), may("valid_to", UtcDateTime)
