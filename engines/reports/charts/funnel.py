"""A funnel: how many records stand at each stage now, or how many ever came that far, with the conversion between."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from pydantic import Field

from engines.reports.chart_type import ChartType, colour
from engines.reports.compiled import CompiledReport
from engines.reports.result import Result, ResultRow
from metadata.problems import ROOT, Problem, nearest
from metadata.registry import Options
from metadata.text import Text


class FunnelOptions(Options):
    """`reached` counts records that ever came to a stage or beyond it, from the stage history; without it the funnel
    shows where records stand now. `stages` names the stages from the widest to the narrowest (by default all options
    of the field, in their order); stages left out, as "lost", are no part of the funnel."""

    reached: bool = False
    stages: list[str] = Field(default_factory=list)


class Funnel(ChartType):
    """Follow records through the stages and find where they get lost."""

    name = "funnel"
    title = {"en": "Funnel", "zh": "漏斗图"}
    icon = "filter"
    Options = FunnelOptions
    look = "steps"
    dimensions = range(1, 2)

    def problems(self, report: CompiledReport, options: Any) -> Iterator[Problem]:
        yield from super().problems(report, options)
        dimension = report.dimensions[0]
        if not dimension.has_choices or dimension.is_list:
            yield Problem(ROOT / "dimensions" / 0, "not_a_choice", _NO_STAGES, _A_CHOICE)
            return
        assert dimension.leaf is not None
        known, times = dimension.leaf.choices, Counter(options.stages)
        for index, stage in enumerate(options.stages):
            place = ROOT / "chart" / "stages" / index
            if stage not in known:
                message = {"en": f"“{stage}” is not one of the options", "zh": f"“{stage}”不是可选项"}
                yield Problem(place, "not_an_option", message, nearest(stage, known) or _of(known))
            elif times[stage] > 1 and options.stages.index(stage) < index:
                message = {"en": f"The stage “{stage}” is there twice", "zh": f"阶段“{stage}”重复"}
                yield Problem(place, "duplicate_option", message, _ONCE)

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        measure = result.measures[0].name
        steps = [
            {
                "name": row.cells[0].label,
                "key": row.cells[0].key,
                "value": float(row.values[measure] or 0),
                "conversion": share,
                "itemStyle": {"color": colour(index)},
            }
            for index, (row, share) in enumerate(zip(result.rows, conversions(result.rows, measure), strict=True))
        ]
        return {
            "tooltip": {"trigger": "item"},
            "series": [{"type": "funnel", "sort": "none", "minSize": "8%", "data": steps}],
        }

    def shares(self, result: Result, options: Any) -> list[float | None]:
        none: list[float | None] = [None] * len(result.rows)
        return conversions(result.rows, result.measures[0].name) if options.reached else none

    def sentence(self, options: Any, language: str) -> str:
        if options.reached:
            return {"en": "Funnel of stages ever reached", "zh": "曾到达阶段漏斗"}.get(language, "")
        return {"en": "Funnel of current stages", "zh": "当前阶段漏斗"}.get(language, "Funnel of current stages")


def conversions(rows: tuple[ResultRow, ...], measure: str) -> list[float | None]:
    """The share of each stage in the one before it (0 to 1), None for the first and after an empty stage."""
    shares: list[float | None] = []
    before: Any = None
    for row in rows:
        value = row.values[measure]
        known = before and value is not None
        shares.append(float(round(Decimal(value) / Decimal(before), 4)) if known else None)
        before = value
    return shares


def _of(known: Iterable[str]) -> Text:
    return {"en": f"There are: {', '.join(known)}", "zh": f"可选：{'、'.join(known)}"}


_NO_STAGES: Text = {
    "en": "A funnel follows the options of one field, and this dimension has none",
    "zh": "漏斗按一个选择字段的选项展示，而该维度没有选项",
}
_A_CHOICE: Text = {"en": "Take a field with options, or a bar chart", "zh": "请使用选择字段，或改用柱状图"}
_ONCE: Text = {"en": "Name each stage once", "zh": "每个阶段只写一次"}
