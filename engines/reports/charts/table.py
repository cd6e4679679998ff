"""A table: every dimension and measure in a column, totals below."""

from engines.reports.chart_type import ChartType


class Table(ChartType):
    """Rows and columns, as they are."""

    name = "table"
    title = {"en": "Table", "zh": "表格"}
    icon = "table"
    look = "table"
    dimensions = range(4)
