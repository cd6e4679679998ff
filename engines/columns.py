"""How values are stored: one column type for each value type, meaning the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from metadata.value_types import ValueType

DIGITS = 18  # of a stored number, before and after the point
MOST_DECIMALS = 10

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # INTEGER PRIMARY KEY is SQLite's own row id: one index less


class ExactNumber(TypeDecorator[Decimal]):
    """A decimal number without rounding: NUMERIC on PostgreSQL, on SQLite an integer scaled by 10^decimals."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, decimals: int = 4) -> None:
        super().__init__(precision=DIGITS, scale=decimals)
        self.decimals = decimals

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(DIGITS, self.decimals))

    def process_bind_param(self, value: Decimal | int | None, dialect: sa.Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int(Decimal(value).scaleb(self.decimals).to_integral_value())

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        if value is None:
            return None
        if dialect.name != "sqlite":
            return value if isinstance(value, Decimal) else Decimal(value)
        return Decimal(value).scaleb(-self.decimals)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware on both sides, stored in UTC (SQLite has no zones)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None or value.tzinfo is UTC:
            return value  # type: ignore[no-any-return]
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)  # type: ignore[no-any-return]


def column_type(value_type: ValueType) -> TypeEngine[Any]:
    """The column type that stores a value type; lists and rows have tables of their own."""
    match value_type.name:
        case "text":
            return sa.Text()
        case "number":
            return ExactNumber(4 if value_type.decimals is None else value_type.decimals)
        case "yes_no":
            return sa.Boolean()
        case "date":
            return sa.Date()
        case "datetime":
            return UtcDateTime()
        case "member" | "department" | "link":
            return sa.BigInteger()
    raise ValueError(f"no column holds a value of type {value_type.name}")
