"""A bar chart: one bar for each group, side by side or stacked, upright or lying."""

from collections.abc import Iterator
from typing import Any

from engines.reports.chart_type import GRID, ChartType, category_axis, colour, legend, one_series, pivot, value_axis
from engines.reports.compiled import CompiledReport
from engines.reports.result import Result
from metadata.problems import Problem
from metadata.registry import Options


class BarOptions(Options):
    """How the bars stand."""

    stacked: bool = False
    horizontal: bool = False


class Bar(ChartType):
    """Compare figures between groups."""

    name = "bar"
    title = {"en": "Bar chart", "zh": "柱状图"}
    icon = "chart-bar"
    Options = BarOptions

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        labels, series = pivot(result, language)
        category, value = category_axis(labels, inverse=options.horizontal), value_axis()
        return {
            "tooltip": {"trigger": "axis"},
            "legend": legend(len(series)),
            "grid": GRID,
            "xAxis": value if options.horizontal else category,
            "yAxis": category if options.horizontal else value,
            "series": [
                {
                    "type": "bar",
                    "name": name,
                    "data": values,
                    "barMaxWidth": 32,
                    "itemStyle": {"color": colour(index), "borderRadius": 2},
                    **({"stack": "all"} if options.stacked else {}),
                }
                for index, (name, values) in enumerate(series)
            ],
        }

    def problems(self, report: CompiledReport, options: Any) -> Iterator[Problem]:
        yield from super().problems(report, options)
        yield from one_series(report)

    def sentence(self, options: Any, language: str) -> str:
        if options.stacked:
            return {"en": "Stacked bar chart", "zh": "堆叠柱状图"}.get(language, "Stacked bar chart")
        return super().sentence(options, language)
