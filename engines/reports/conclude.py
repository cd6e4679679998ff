"""From the rows of a report's statements to its result: merged by group, computed, labelled, sorted, filled."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engines.expressions import Environment, evaluate
from engines.facts import Facts
from engines.reports.compiled import CompiledReport
from engines.reports.execute import Query
from engines.reports.groups import Labels, bucket_label, cell, sort_groups, stages_of
from engines.reports.result import Cell, Result, ResultColumn, ResultRow

SHOWN_GROUPS = 1_000

Key = tuple[Any, ...]


def conclude(
    query: Query,
    fetched: Sequence[Sequence[Mapping[str, Any]]],
    totals: Sequence[Sequence[Mapping[str, Any]]],
    labels: Labels,
    language: str,
) -> Result:
    """Make the result from the rows of the statements, merged by group."""
    report = query.report
    groups = _merged(report, fetched, len(report.dimensions))
    if report.stage is not None:
        return _reached_result(report, groups, language)
    rows = [_row(report, key, values, labels, language) for key, values in groups.items()]
    rows = _in_stages(report, _filled(report, sort_groups(report, rows), language))
    shown = report.definition.limit or SHOWN_GROUPS
    whole = _merged(report, totals, 0).get((), {}) if report.dimensions else next(iter(groups.values()), {})
    if not report.dimensions and not rows:
        rows = [ResultRow((), _computed(report, {}))]
    truncated = len(rows) > shown
    return Result(*_columns(report), tuple(rows[:shown]), _computed(report, whole), truncated)


def keys_to_label(query: Query, fetched: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, set[int]]:
    """For each dimension over links, members or departments the ids whose labels are wanted."""
    wanted: dict[str, set[int]] = {}
    for index, each in enumerate(query.report.dimensions):
        if each.type.is_reference:
            wanted[each.name] = {
                row[f"dimension {index}"] for rows in fetched for row in rows if row[f"dimension {index}"] is not None
            }
    return wanted


def _merged(
    report: CompiledReport, fetched: Sequence[Sequence[Mapping[str, Any]]], dimensions: int
) -> dict[Key, dict[str, Any]]:
    """The groups of all statements by their keys; what one of them does not know is blank."""
    groups: dict[Key, dict[str, Any]] = {}
    for rows in fetched:
        for row in rows:
            key = tuple(
                None if row[f"dimension {i}"] == "" else row[f"dimension {i}"] for i in range(max(dimensions, 0))
            )
            groups.setdefault(key, {}).update({n: v for n, v in row.items() if not _is_key(n)})
    return {key: _measured(report, values) for key, values in groups.items()}


def _is_key(name: str) -> bool:
    return name.startswith("dimension ")


def _measured(report: CompiledReport, raw: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each in report.counted:
        if each.aggregate == "avg":
            values[each.name] = _average(raw.get(f"{each.name}__sum"), raw.get(f"{each.name}__count"), each.decimals)
        else:
            found = raw.get(each.name)
            values[each.name] = (found or 0) if each.aggregate in ("count", "distinct", "sum") else found
    return values


def _average(total: Any, count: Any, decimals: int) -> Decimal | None:
    if not count or total is None:
        return None
    return (Decimal(total) / Decimal(count)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _computed(report: CompiledReport, counted: Mapping[str, Any]) -> dict[str, Any]:
    """Add the measures that are computed from others, in their order."""
    values = {**_measured(report, {}), **counted}
    for each in report.measures:
        if each.is_computed and each.expression is not None:
            extras = {name: Decimal(value) if isinstance(value, int) else value for name, value in values.items()}
            found = evaluate(each.expression, Environment({}, Facts(), extras=extras))
            values[each.name] = None if found is None else round(found, each.decimals)
    return {each.name: values.get(each.name) for each in report.measures}


def _row(report: CompiledReport, key: Key, values: Mapping[str, Any], labels: Labels, language: str) -> ResultRow:
    cells = tuple(cell(each, part, labels, language) for each, part in zip(report.dimensions, key, strict=True))
    return ResultRow(cells, _computed(report, values))


def _columns(report: CompiledReport) -> tuple[tuple[ResultColumn, ...], tuple[ResultColumn, ...]]:
    dimensions = tuple(ResultColumn(each.name, each.title, "dimension", each.type.name) for each in report.dimensions)
    measures = tuple(
        ResultColumn(each.name, each.title, "measure", each.type.name, each.decimals, each.format)
        for each in report.measures
    )
    return dimensions, measures


def _filled(report: CompiledReport, rows: list[ResultRow], language: str) -> list[ResultRow]:
    """Put empty buckets where nothing happened, so that time runs evenly; for one dimension of time only."""
    if len(report.dimensions) != 1 or report.dimensions[0].every is None or report.definition.sort:
        return rows
    known = {row.cells[0].key: row for row in rows if row.cells[0].key is not None}
    if not known:
        return rows
    every, last = report.dimensions[0].every, max(k for k in known if k)
    day = min(k for k in known if k)
    filled: list[ResultRow] = []
    while day <= last and len(filled) <= SHOWN_GROUPS:
        label = bucket_label(day, every)
        filled.append(known.get(day) or ResultRow((Cell(day, label),), _computed(report, {})))
        day = _next_bucket(date.fromisoformat(day), every).isoformat()
    return filled + [row for row in rows if row.cells[0].key is None]


def _in_stages(report: CompiledReport, rows: list[ResultRow]) -> list[ResultRow]:
    """For a funnel that names its stages: those, in that order, and no others."""
    chosen = getattr(report.chart_options, "stages", ())
    by_stage = {row.cells[0].key: row for row in rows} if chosen else {}
    return [by_stage[stage] for stage in chosen if stage in by_stage] if chosen else rows


def _next_bucket(day: date, every: str) -> date:
    if every in ("day", "week"):
        return day + timedelta(days=1 if every == "day" else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    place = day.year * 12 + day.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)


def _reached_result(report: CompiledReport, groups: dict[Key, dict[str, Any]], language: str) -> Result:
    """Every stage counts the records that came to it or further."""
    dimension = report.dimensions[0]
    rows = []
    for place, stage in enumerate(stages_of(report)):
        beyond = [values for (furthest,), values in groups.items() if furthest is not None and furthest >= place]
        summed = {each.name: sum(values[each.name] or 0 for values in beyond) for each in report.counted}
        rows.append(ResultRow((cell(dimension, stage, {}, language),), _computed(report, summed)))
    totals = rows[0].values if rows else {}
    return Result(*_columns(report), tuple(rows), totals)
