"""A pie: the parts of one whole."""

from collections.abc import Iterator
from typing import Any

from engines.reports.chart_type import LEGEND, ChartType, colour
from engines.reports.compiled import CompiledReport
from engines.reports.result import Result
from metadata.problems import ROOT, Problem


class Pie(ChartType):
    """Show shares of one measure."""

    name = "pie"
    title = {"en": "Pie chart", "zh": "饼图"}
    icon = "chart-pie"
    dimensions = range(1, 2)
    measures = range(1, 2)

    def problems(self, report: CompiledReport, options: Any) -> Iterator[Problem]:
        yield from super().problems(report, options)
        for index, measure in enumerate(report.measures):
            if measure.aggregate in ("avg", "min", "max"):
                message = {
                    "en": "A pie shows the parts of a whole, and averages and extremes are no parts of one",
                    "zh": "饼图显示整体的组成部分，而平均值与最值不构成整体",
                }
                yield Problem(ROOT / "measures" / index, "wrong_aggregate", message, _COUNT_OR_SUM)

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        measure = result.measures[0].name
        slices = [
            {
                "name": row.cells[0].label,
                "key": row.cells[0].key,
                "value": float(row.values[measure] or 0),
                "itemStyle": {"color": colour(index)},
            }
            for index, row in enumerate(result.rows)
        ]
        return {
            "tooltip": {"trigger": "item"},
            "legend": {**LEGEND, "show": True, "orient": "vertical", "top": "middle"},
            "series": [
                {
                    "type": "pie",
                    "radius": ["45%", "72%"],
                    "center": ["38%", "50%"],
                    "label": {"show": False},
                    "itemStyle": {"borderColor": "--surface", "borderWidth": 2},
                    "data": slices,
                }
            ],
        }


_COUNT_OR_SUM = {"en": "Use count or sum, or a bar chart", "zh": "请使用 count 或 sum，或改用柱状图"}
