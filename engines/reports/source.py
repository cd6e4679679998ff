"""Where a report reads from: the masked records of its form, or those joined to their rows, and tags spread out."""

from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause

from engines.expressions import Moment, to_sql, where
from engines.relation.masked import Relation
from engines.relation.rows import RowsOfRecords
from engines.reports.compiled import CompiledDimension, CompiledReport
from metadata.expressions import Expression

Column = ColumnElement[Any]


@dataclass
class Source:
    """The rows that one statement of a report reads; made afresh for each, as joins come with the columns asked for."""

    report: CompiledReport
    record: Relation
    moment: Moment
    dialect: str
    rows: Relation | None = None
    _joined_rows: Column | None = None
    _lists: list[tuple[FromClause, Column]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.report.rows is not None:
            readable, condition = self.record.rows(self.report.rows)
            self.rows, self._joined_rows = readable, condition

    @property
    def readable(self) -> Any:
        return self.record if self.rows is None else RowsOfRecords(self.record, self.rows)

    def column(self, expression: Expression, decimals: int | None = None) -> Column:
        return to_sql(expression, self.readable, self.moment, self.dialect, decimals)

    def condition(self, expression: Expression) -> Column:
        return where(expression, self.readable, self.moment, self.dialect)

    def dimension(self, dimension: CompiledDimension) -> Column:
        """The key of a group as text or id; a list is spread over its values."""
        if dimension.is_list:
            table, value, belongs = self.readable.values(dimension.field)
            self._lists.append((table, belongs))
            return cast(Column, value)
        if dimension.every is not None:
            return bucket(self.column(dimension.expression), dimension.every, self.dialect)
        if dimension.type.name == "number":
            return self.column(dimension.expression, dimension.type.decimals or 0)
        return self.column(dimension.expression)

    def contains(self, dimension: CompiledDimension, key: Any) -> Column:
        """Whether a record belongs to the group of a key."""
        if not dimension.is_list:
            column = self.dimension(dimension)
            blank = sa.or_(column.is_(None), column == "") if dimension.type.name == "text" else column.is_(None)
            return blank if key is None else column == key
        table, value, belongs = self.readable.values(dimension.field)
        held = sa.select(sa.literal(1)).select_from(table).where(belongs)
        return ~held.exists() if key is None else held.where(value == key).exists()

    def select(self, columns: dict[str, Column], conditions: list[Column]) -> sa.Select[Any]:
        """Select the columns of what the viewer may see; call it last, when all columns have been asked for."""
        clause = self.record.from_clause
        narrowed = [self.record.condition, *conditions]
        if self.rows is not None and self._joined_rows is not None:
            clause = clause.join(self.rows.source, self._joined_rows)
            for joined, on in self.rows.joins():
                clause = clause.outerjoin(joined, on)
            narrowed.append(self.rows.condition)
        for table, belongs in self._lists:
            clause = clause.outerjoin(table, belongs)
        labelled = [column.label(label) for label, column in columns.items()]
        return sa.select(*labelled).select_from(clause).where(sa.and_(*narrowed))


def bucket(day: Column, every: str, dialect: str) -> Column:
    """The first day of the bucket that a date falls into, as ISO text; weeks begin on Monday."""
    return _sqlite_bucket(day, every) if dialect == "sqlite" else _postgresql_bucket(day, every)


def _postgresql_bucket(day: Column, every: str) -> Column:
    start = sa.func.date_trunc(every, sa.cast(day, sa.TIMESTAMP))
    return sa.func.to_char(start, "YYYY-MM-DD", type_=sa.Text())


def _sqlite_bucket(day: Column, every: str) -> Column:
    day = sa.type_coerce(day, sa.Text())
    text = sa.Text()
    if every == "week":
        return sa.func.date(day, "-6 days", "weekday 1", type_=text)
    if every == "quarter":
        month = sa.cast(sa.func.strftime("%m", day), sa.Integer)
        first = (month - 1) - (month - 1) % 3 + 1
        year = sa.func.strftime("%Y-", day, type_=text)
        return sa.case((day.is_not(None), year.concat(sa.func.printf("%02d-01", first, type_=text))))
    form = {"day": "%Y-%m-%d", "month": "%Y-%m-01", "year": "%Y-01-01"}[every]
    return sa.func.strftime(form, day, type_=text)
