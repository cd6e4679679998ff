"""A pie: the parts of one whole."""

from typing import Any

from engines.reports.chart_type import LEGEND, ChartType, colour
from engines.reports.result import Result


class Pie(ChartType):
    """Show shares of one measure."""

    name = "pie"
    title = {"en": "Pie chart", "zh": "饼图"}
    icon = "chart-pie"
    dimensions = range(1, 2)
    measures = range(1, 2)

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
