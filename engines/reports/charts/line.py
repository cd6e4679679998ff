"""A line chart: how figures move along the first dimension, usually time."""

from typing import Any

from engines.reports.chart_type import GRID, ChartType, category_axis, colour, legend, pivot, value_axis
from engines.reports.result import Result
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
