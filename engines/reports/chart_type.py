"""The contract of a chart kind: which results it can show, and how it draws one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from engines.reports.result import Result
from metadata.problems import ROOT, Problem
from metadata.registry import Kind
from metadata.text import Text, say

if TYPE_CHECKING:
    from engines.reports.compiled import CompiledReport

Look = Literal["chart", "table", "number", "steps"]
DRAWN = ("chart", "steps")


class ChartType(Kind):
    """A way of showing a result. A drawn chart answers its ECharts option as data, with colours by token name
    ("--chart-1"), so that the page resolves them for light and dark; tables, numbers and steps (bars under each other,
    each a part of the one before) are plain HTML."""

    look: ClassVar[Look] = "chart"
    dimensions: ClassVar[range] = range(1, 3)  # how many dimensions it can show
    measures: ClassVar[range] = range(1, 11)

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        """The ECharts option for a result; {} for what is no drawing."""
        return {}

    def shares(self, result: Result, options: Any) -> list[float | None]:
        """For steps: how much of the one before each keeps (0 to 1), None where that says nothing."""
        return [None] * len(result.rows)

    def problems(self, report: "CompiledReport", options: Any) -> Iterator[Problem]:
        """What of a report it cannot draw, besides the number of dimensions and measures; paths are the report's."""
        if self.look in DRAWN:
            yield from no_figures(report)

    def sentence(self, options: Any, language: str) -> str:
        """Say in words what a configured chart shows."""
        return say(self.title, language)


def no_figures(report: "CompiledReport") -> Iterator[Problem]:
    """The measures that are dates, which have no length that could be drawn."""
    for index, measure in enumerate(report.measures):
        if measure.type.name != "number":
            message = {
                "en": f"“{measure.name}” is a date, and this chart draws numbers",
                "zh": f"“{measure.name}”是日期，而该图表只能绘制数字",
            }
            yield Problem(ROOT / "measures" / index, "not_a_figure", message, AS_A_TABLE)


def one_series(report: "CompiledReport") -> Iterator[Problem]:
    """With two dimensions the second makes the series, so that one measure can be drawn."""
    if len(report.dimensions) > 1 and len(report.measures) > 1:
        message = {
            "en": "With two dimensions this chart draws one measure only",
            "zh": "有两个维度时，该图表只能绘制一个指标",
        }
        yield Problem(ROOT / "measures", "wrong_measures", message, AS_A_TABLE)


AS_A_TABLE: Text = {"en": "Show it as a table, or leave it out", "zh": "请改用表格，或删去该指标"}


def pivot(result: Result, language: str) -> tuple[list[str], list[tuple[str, list[Any]]]]:
    """Spread a result for an axis chart: the labels of the first dimension, and one series for each measure, or for
    each value of the second dimension where there is one (then of the first measure). Every point carries the key of
    its group, so that a click finds the records behind it."""
    labels = list(dict.fromkeys(row.cells[0].label for row in result.rows))
    if len(result.dimensions) < 2:
        series = [
            (say(measure.title, language), [_point(row.cells[0].key, row.values[measure.name]) for row in result.rows])
            for measure in result.measures
        ]
        return labels, series
    measure = result.measures[0].name
    place = {label: index for index, label in enumerate(labels)}
    spread: dict[str, list[Any]] = {}
    for row in result.rows:
        points = spread.setdefault(row.cells[1].label, [None] * len(labels))
        points[place[row.cells[0].label]] = _point(row.cells[0].key, row.values[measure])
    return labels, list(spread.items())


GRID = {"left": 4, "right": 16, "top": 36, "bottom": 4, "containLabel": True}
LEGEND = {
    "top": 0,
    "right": 0,
    "icon": "roundRect",
    "itemWidth": 12,
    "itemHeight": 6,
    "textStyle": {"color": "--ink-2"},
}


def category_axis(labels: list[str], inverse: bool = False) -> dict[str, Any]:
    axis: dict[str, Any] = {"type": "category", "data": labels, "axisTick": {"show": False}}
    axis["axisLine"] = {"lineStyle": {"color": "--line-strong"}}
    axis["axisLabel"] = {"color": "--ink-3"}
    return axis | ({"inverse": True} if inverse else {})


def value_axis() -> dict[str, Any]:
    lines = {"lineStyle": {"color": "--line"}}
    return {"type": "value", "splitLine": lines, "axisLabel": {"color": "--ink-3"}}


def legend(series: int) -> dict[str, Any]:
    """A legend where there is more than one thing to tell apart."""
    return {"show": series > 1, **LEGEND}


def colour(index: int) -> str:
    """The token of the n-th colour; the palette has six."""
    return f"--chart-{index % 6 + 1}"


def _point(key: str | None, value: Any) -> dict[str, Any] | None:
    return None if value is None else {"value": float(value), "key": key}
