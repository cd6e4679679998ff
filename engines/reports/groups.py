"""Groups: the key by which one is found again, what people read for it, and where it stands among the others."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engines.reports.compiled import CompiledDimension, CompiledReport
from engines.reports.result import Cell, ResultRow
from metadata.problems import ROOT, Invalid, Problem
from metadata.text import Text, say

Labels = Mapping[tuple[str, str], str]
"""What people read for the key of a dimension (dimension name, key), for links, members and departments."""

_YES: Text = {"en": "Yes", "zh": "是"}
_NO: Text = {"en": "No", "zh": "否"}


def cell(dimension: CompiledDimension, value: Any, labels: Labels, language: str) -> Cell:
    """A group's key and what people read for it."""
    if value is None:
        return Cell(None, say({"en": "(blank)", "zh": "（空）"}, language))
    key = key_of(value)
    if dimension.every is not None:
        return Cell(key, bucket_label(key, dimension.every))
    option = option_of(dimension, key)
    if option is not None:
        return Cell(key, say(option.title or option.value, language), getattr(option, "colour", None))
    if dimension.type.name == "yes_no":
        return Cell(key, say(_YES if value else _NO, language))
    return Cell(key, labels.get((dimension.name, key), "" if dimension.type.is_reference else key))


def key_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def typed_key(dimension: CompiledDimension, key: str | None) -> Any:
    """Read a key that came back from a page or a request; raises Invalid."""
    if key is None:
        return None
    try:
        if dimension.every is not None:
            return date.fromisoformat(key).isoformat()
        if dimension.type.is_reference:
            return int(key)
        if dimension.type.name == "yes_no":
            return {"true": True, "false": False}[key]
        return Decimal(key) if dimension.type.name == "number" else key
    except (ValueError, KeyError, ArithmeticError):
        message = {"en": "This group does not exist", "zh": "该分组不存在"}
        raise Invalid(Problem(ROOT / dimension.name, "unknown_group", message)) from None


def option_of(dimension: CompiledDimension, key: str) -> Any:
    options = getattr(dimension.leaf.options, "options", None) if dimension.leaf else None
    return next((each for each in options or () if each.value == key), None)


def stages_of(report: CompiledReport) -> list[str]:
    """The stages of a funnel, from the widest to the narrowest."""
    chosen = list(getattr(report.chart_options, "stages", ()))
    leaf = report.dimensions[0].leaf
    return chosen or [each.value for each in (leaf.options.options if leaf else ())]


def bucket_label(first_day: str, every: str) -> str:
    year, month, _ = first_day.split("-")
    if every == "year":
        return year
    if every == "quarter":
        return f"{year}-Q{(int(month) + 2) // 3}"
    if every == "week":
        number = date.fromisoformat(first_day).isocalendar()
        return f"{number.year}-W{number.week:02d}"
    return f"{year}-{month}" if every == "month" else first_day


def sort_groups(report: CompiledReport, rows: list[ResultRow]) -> list[ResultRow]:
    for each in reversed(report.definition.sort):
        rows.sort(key=lambda row, by=each.by: _sort_key(report, row, by), reverse=each.descending)  # type: ignore[misc]
    if report.definition.sort or not report.dimensions:
        return rows
    first = report.counted[0].name if report.counted else report.measures[0].name
    rows.sort(key=lambda row: tuple(_place(each, c, row.values[first]) for each, c in _cells(report, row)))
    return rows


def _cells(report: CompiledReport, row: ResultRow) -> Any:
    return zip(report.dimensions, row.cells, strict=True)


def _sort_key(report: CompiledReport, row: ResultRow, by: str) -> Any:
    for dimension, found in _cells(report, row):
        if dimension.name == by:
            return _place(dimension, found, None)
    value = row.values.get(by)
    if isinstance(value, date | datetime):
        return (1, value.isoformat())
    return (0, 0) if value is None else (1, value)


def _place(dimension: CompiledDimension, found: Cell, value: Any) -> Any:
    """Where a group stands by itself: time and options in their order, others by their size, blank last."""
    if found.key is None:
        return (2, 0, "")
    if dimension.every is not None:
        return (0, 0, found.key)
    options = getattr(dimension.leaf.options, "options", None) if dimension.leaf else None
    if options:
        return (0, next((i for i, each in enumerate(options) if each.value == found.key), len(options)), found.key)
    return (1, -float(value) if isinstance(value, int | Decimal) else 0, found.label)
