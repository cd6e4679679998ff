"""Run a report: first the selects to ask of the database, then, from their rows, the result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause

from engines.columns import ExactNumber
from engines.expressions import Moment, moment_of
from engines.facts import Facts
from engines.relation.masked import Relation
from engines.reports.compiled import CompiledDimension, CompiledMeasure, CompiledReport
from engines.reports.groups import stages_of, typed_key
from engines.reports.source import Source

MOST_GROUPS = 10_000
SHOWN_GROUPS = 1_000

Relations = Callable[[], Relation]
Key = tuple[Any, ...]
Labels = Mapping[tuple[str, str], str]
"""What people read for the key of a dimension (dimension name, key), for links, members and departments."""


@dataclass(frozen=True)
class Query:
    """What to ask of the database: statements whose rows go to `conclude` in the same order."""

    report: CompiledReport
    statements: tuple[sa.Select[Any], ...]
    totals: tuple[sa.Select[Any], ...]


def execute(
    report: CompiledReport,
    parameters: Mapping[str, Any],
    relations: Relations,
    facts: Facts,
    dialect: str,
    history: FromClause | None = None,
) -> Query:
    """The statements of a report for one viewer: `relations` gives a fresh masked relation of the form each time.

    Raises Invalid when a required parameter is missing. `history` is the table of stage spans.
    """
    moment = moment_of(facts, extras=parameters)
    make = _Maker(report, parameters, relations, moment, dialect, history)
    if report.stage is not None:
        return Query(report, (make.reached(),), ())
    return Query(report, make.statements(report.dimensions), make.statements(()) if report.dimensions else ())


def drill(
    report: CompiledReport,
    parameters: Mapping[str, Any],
    group: Mapping[str, str | None],
    relation: Relation,
    facts: Facts,
    dialect: str,
) -> list[ColumnElement[Any]]:
    """The conditions that select the records behind a number: those of the group (dimension name -> key)."""
    source = Source(report, relation, moment_of(facts, extras=parameters), dialect)
    conditions = _conditions(source, report, parameters)
    for each in report.dimensions:
        if each.name in group:
            conditions.append(source.contains(each, typed_key(each, group[each.name])))
    if source.rows is None:
        return conditions
    ids = source.select({"id": relation.column("id")}, conditions).subquery()
    return [relation.column("id").in_(sa.select(ids.c.id))]


# --- the statements ---


@dataclass(frozen=True)
class _Maker:
    report: CompiledReport
    parameters: Mapping[str, Any]
    relations: Relations
    moment: Moment
    dialect: str
    history: FromClause | None

    def statements(self, dimensions: Sequence[CompiledDimension]) -> tuple[sa.Select[Any], ...]:
        """One statement for the measures of the rows, one for those of the records that hold the rows."""
        grains = (
            [m for m in self.report.counted if not m.per_record],
            [m for m in self.report.counted if m.per_record],
        )
        return tuple(self._statement(dimensions, grain) for grain in grains if grain)

    def _statement(
        self, dimensions: Sequence[CompiledDimension], measures: Sequence[CompiledMeasure]
    ) -> sa.Select[Any]:
        source = self._source()
        keys = {f"dimension {index}": source.dimension(each) for index, each in enumerate(dimensions)}
        values = {f"v{index}": _value(source, each) for index, each in enumerate(measures)}
        holder = {"record": source.record.column("id")} if measures[0].per_record else {}
        statement = source.select(keys | values | holder, _conditions(source, self.report, self.parameters))
        inner = (statement.distinct() if holder else statement).subquery()
        groups = [inner.c[name] for name in keys]
        counted = [part for index, each in enumerate(measures) for part in _aggregate(each, inner.c[f"v{index}"])]
        return sa.select(*groups, *counted).group_by(*groups).limit(MOST_GROUPS)

    def reached(self) -> sa.Select[Any]:
        """Group records by the furthest stage they ever came to."""
        source = self._source()
        measures = self.report.counted
        values = {f"v{index}": _value(source, each) for index, each in enumerate(measures)}
        key = {"dimension 0": self._furthest(source)}
        inner = source.select(key | values, _conditions(source, self.report, self.parameters)).subquery()
        counted = [part for index, each in enumerate(measures) for part in _aggregate(each, inner.c[f"v{index}"])]
        return sa.select(inner.c["dimension 0"], *counted).group_by(inner.c["dimension 0"])

    def _furthest(self, source: Source) -> ColumnElement[Any]:
        stage = self.report.stage
        assert stage is not None and self.history is not None, "a funnel of reached stages needs the stage history"
        stages = stages_of(self.report)
        now = sa.case(*self._places(source.column(stage.expression), stages), else_=-1)
        spans = self.history.alias()
        of_record = sa.and_(spans.c.record == source.record.column("id"), spans.c.field == stage.field)
        ever = sa.func.max(sa.case(*self._places(spans.c.value, stages), else_=-1))
        past = sa.select(sa.func.coalesce(ever, -1)).where(of_record).scalar_subquery()
        hidden = source.column(stage.expression) == ""
        return sa.case((hidden, -1), (past > now, past), else_=now)

    def _places(self, column: ColumnElement[Any], stages: Sequence[str]) -> list[Any]:
        return [(column == value, place) for place, value in enumerate(stages)]

    def _source(self) -> Source:
        return Source(self.report, self.relations(), self.moment, self.dialect)


def _conditions(source: Source, report: CompiledReport, parameters: Mapping[str, Any]) -> list[ColumnElement[Any]]:
    chosen = [each.where for each in report.parameters if parameters.get(each.name) is not None]
    return [source.condition(each) for each in (report.where, *chosen) if each is not None]


def _value(source: Source, measure: CompiledMeasure) -> ColumnElement[Any]:
    if measure.expression is None:
        column: ColumnElement[Any] = sa.literal(1)
    elif measure.expression.type.name == "number":
        decimals = measure.expression.type.decimals if measure.expression.type.decimals is not None else 4
        stored = source.column(measure.expression, decimals)
        column = sa.type_coerce(stored, ExactNumber(decimals))
    else:
        column = source.column(measure.expression)
        if measure.expression.type.name == "text":
            column = sa.func.nullif(column, "")
    return column if measure.where is None else sa.case((source.condition(measure.where), column))


def _aggregate(measure: CompiledMeasure, value: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    match measure.aggregate:
        case "count":
            return [sa.func.count(value).label(measure.name)]
        case "distinct":
            return [sa.func.count(sa.distinct(value)).label(measure.name)]
        case "avg":
            summed = sa.func.sum(value, type_=value.type).label(f"{measure.name}__sum")
            return [summed, sa.func.count(value).label(f"{measure.name}__count")]
        case "sum":
            return [sa.func.sum(value, type_=value.type).label(measure.name)]
    function = sa.func.min if measure.aggregate == "min" else sa.func.max
    return [function(value, type_=value.type).label(measure.name)]
