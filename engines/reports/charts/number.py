"""A number card: one figure, large."""

from engines.reports.chart_type import ChartType


class Number(ChartType):
    """The totals of the measures, without any dimension."""

    name = "number"
    title = {"en": "Number", "zh": "指标卡"}
    icon = "number"
    look = "number"
    dimensions = range(1)
