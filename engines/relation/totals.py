"""What a roll-up totals: over which records or rows, by the database, and what the answer comes to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from engines.access import truth
from engines.compiled import CompiledApp, CompiledField, Rollup
from engines.expressions import Environment, Moment, evaluate, where
from engines.facts import Facts
from engines.relation.masked import Relation
from engines.relation.rows import RowsOfRecords

Record = Mapping[str, Any]
Column = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Sources:
    """The records or rows that a roll-up totals, as a statement reads them: from where, which, and their parents."""

    clause: sa.FromClause
    condition: Column
    record: Column
    parent: Column
    value: Column

    def select(self, columns: Mapping[str, Column], *narrowed: Column) -> sa.Select[Any]:
        """Select columns of them, narrowed down further."""
        labelled = [column.label(label) for label, column in columns.items()]
        return sa.select(*labelled).select_from(self.clause).where(self.condition, *narrowed)


def sources_of(app: CompiledApp, rollup: Rollup, moment: Moment, dialect: str) -> Sources:
    """Everything that counts in a roll-up, as it truly is; a link to several parents stands there once for each."""
    record = truth(app, rollup.source, moment, dialect)
    counted: Relation | RowsOfRecords = record
    joins: list[tuple[sa.FromClause, Column]] = []
    if rollup.rows is not None:
        rows, belongs = record.rows(rollup.rows)
        counted = RowsOfRecords(record, rows)
        joins.append((rows.source, belongs))
    form = app.forms[rollup.rows or rollup.source]
    if form.fields[rollup.link].is_list:
        table, parent, belongs = counted.values(rollup.link)
        joins.append((table, belongs))
    else:
        parent = counted.column(rollup.link)
    value = counted.column(rollup.value or "id")
    condition = where(rollup.where, counted, moment, dialect) if rollup.where is not None else sa.true()
    clause: sa.FromClause = record.from_clause
    for table, belongs in joins:
        clause = clause.join(table, belongs)
    return Sources(clause, sa.and_(record.condition, condition), record.column("id"), parent, value)


def totals_by_parent(rollup: Rollup, sources: Sources, *narrowed: Column) -> sa.Select[Any]:
    """Select each parent that has something to total, with its total."""
    columns = {"parent": sources.parent, **total_columns(rollup, sources.value)}
    known = sources.parent.is_not(None)
    return sources.select(columns, known, *narrowed).group_by(sources.parent)


def total_columns(rollup: Rollup, value: Column) -> dict[str, Column]:
    """The aggregates over what one parent has; `value` is the field that is totalled."""
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
    """The total as the field keeps it; no row, nothing to total. An average is divided here, exactly."""
    if rollup.function in ("sum", "count", "distinct"):
        return Decimal(row.total or 0) if row is not None else Decimal(0)
    if row is None or rollup.function != "avg":
        return row.total if row is not None else None
    if not row.times:
        return None
    return (row.total / row.times).quantize(Decimal(1).scaleb(-(field.decimals or 0)), rounding=ROUND_HALF_UP)


def parts_of(rollup: Rollup, record: Record | None, facts: Facts) -> Iterator[tuple[int, Any]]:
    """What one record (with its rows) adds to a roll-up: to which parents, and which values."""
    if record is None or record.get("deleted_at") is not None:
        return
    rows = (record.get(rollup.rows) or ()) if rollup.rows is not None else (None,)
    for row in rows:
        counted = record if row is None else row
        parents = _parents(counted.get(rollup.link))
        if parents and (rollup.where is None or evaluate(rollup.where, Environment(record, facts, row=row))):
            for parent in parents:
                yield parent, counted.get(rollup.value) if rollup.value is not None else None


def _parents(link: Any) -> tuple[int, ...]:
    if link is None:
        return ()
    return tuple(dict.fromkeys(link)) if isinstance(link, tuple | list) else (link,)
