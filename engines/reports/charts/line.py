"""A line chart: how figures move along the first dimension, usually time."""

from collections.abc import Iterator
from typing import Any

from engines.reports.chart_type import GRID, ChartType, category_axis, colour, legend, one_series, pivot, value_axis
from engines.reports.compiled import CompiledReport
from engines.reports.result import Result
from metadata.problems import ROOT, Problem
from metadata.registry import Options


class LineOptions(Options):
    """Whether the area under the line is filled."""

    area: bool = False


class Line(ChartType):
    """Follow figures over time."""

    name = "line"
    title = {"en": "Line chart", "zh": "折线图"}
    icon = "chart-line"
    Options = LineOptions

    def problems(self, report: CompiledReport, options: Any) -> Iterator[Problem]:
        yield from super().problems(report, options)
        yield from one_series(report)
        first = report.dimensions[0]
        if not first.is_ordered:
            message = {
                "en": f"A line leads from one value to the next, and “{first.name}” has no order",
                "zh": f"折线按顺序连接各值，而“{first.name}”没有先后顺序",
            }
            hint = {
                "en": "Use a bar chart, or a date, a number or options as the first dimension",
                "zh": "请改用柱状图，或以日期、数字、选项作为第一个维度",
            }
            yield Problem(ROOT / "dimensions" / 0, "no_order", message, hint)

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        labels, series = pivot(result, language)
        return {
            "tooltip": {"trigger": "axis"},
            "legend": legend(len(series)),
            "grid": GRID,
            "xAxis": category_axis(labels),
            "yAxis": value_axis(),
            "series": [
                {
                    "type": "line",
                    "name": name,
                    "data": values,
                    "color": colour(index),
                    **({"areaStyle": {"opacity": 0.15}} if options.area else {}),
                }
                for index, (name, values) in enumerate(series)
            ],
        }
