"""What a roll-up totals: the columns to ask the database for, and what they come to."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from engines.compiled import CompiledField, Rollup


def total_columns(rollup: Rollup, value: sa.ColumnElement[Any]) -> dict[str, sa.ColumnElement[Any]]:
    """The aggregates over the records of one parent; `value` is the field that is totalled."""
    match rollup.function:
        case "count":
            return {"total": sa.func.count()}
        case "distinct":
            return {"total": sa.func.count(value.distinct())}
        case "min":
            return {"total": sa.func.min(value)}
        case "max":
            return {"total": sa.func.max(value)}
    return {"total": sa.func.sum(value, type_=value.type), "times": sa.func.count(value)}


def total_of(rollup: Rollup, field: CompiledField, row: Any) -> Any:
    """The total as the field keeps it. An average is divided here, exactly, and not by the database."""
    if rollup.function in ("sum", "count", "distinct"):
        return Decimal(row.total or 0)
    if rollup.function != "avg":
        return row.total
    if not row.times:
        return None
    return (row.total / row.times).quantize(Decimal(1).scaleb(-(field.decimals or 0)), rounding=ROUND_HALF_UP)
