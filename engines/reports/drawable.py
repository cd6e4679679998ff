"""Whether a chart can draw a report: how much there is to draw, and of what kind."""

from collections.abc import Iterator
from typing import Any

from engines.reports.chart_type import ChartType
from engines.reports.compiled import CompiledReport
from metadata.problems import ROOT, Problem


def undrawable(chart: ChartType, options: Any, report: CompiledReport) -> Iterator[Problem]:
    """What of a report a chart cannot draw; what has a problem of its own is left out of sight."""
    written = report.definition
    if len(report.dimensions) < len(written.dimensions) or len(report.measures) < len(written.measures):
        return
    if len(report.dimensions) not in chart.dimensions:
        allowed = _allowed(chart.dimensions)
        message = {"en": f"This chart takes {allowed} dimensions", "zh": f"该图表支持的维度数为 {allowed}"}
        yield Problem(ROOT / "dimensions", "wrong_dimensions", message)
        return
    if len(report.measures) not in chart.measures:
        allowed = _allowed(chart.measures)
        message = {"en": f"This chart takes {allowed} measures", "zh": f"该图表支持的指标数为 {allowed}"}
        yield Problem(ROOT / "measures", "wrong_measures", message)
    yield from chart.problems(report, options)


def _allowed(counts: range) -> str:
    return f"{counts.start}" if len(counts) == 1 else f"{counts.start}–{counts.stop - 1}"
