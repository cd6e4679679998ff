"""Measures compiled: what a report counts, as which type, and how the figure is shown."""

from collections.abc import Sequence

from engines.context import CheckContext
from engines.reports.compiled import CompiledMeasure
from engines.reports.dimensions import leaf_of
from metadata.expressions import NOWHERE, Expression, Scope
from metadata.reports import MeasureDefinition
from metadata.text import Text
from metadata.value_types import YES_NO, ValueType, number

MEASURED = ("number", "date", "datetime")
FITS = {"sum": ("number",), "avg": ("number",), "min": MEASURED, "max": MEASURED}


def compile_measures(definitions: Sequence[MeasureDefinition], checking: CheckContext) -> tuple[CompiledMeasure, ...]:
    """Compile the measures of a report; each may compute with those before it. Those with problems are left out."""
    compiled: list[CompiledMeasure] = []
    for index, written in enumerate(definitions):
        made = _measure(written, checking.at(index), compiled)
        if made is not None:
            compiled.append(made)
    return tuple(compiled)


def _measure(
    written: MeasureDefinition, checking: CheckContext, before: Sequence[CompiledMeasure]
) -> CompiledMeasure | None:
    aggregate = written.aggregate
    if aggregate is None:
        message = {
            "en": "A measure is one of count, sum, avg, min, max, distinct, value",
            "zh": "指标须恰好写一种统计方式",
        }
        checking.add("bad_measure", message)
        return None
    if aggregate == "value":
        return _computed(written, checking, before)
    expression = None
    if aggregate != "count":
        expression = checking.expression(getattr(written, aggregate), aggregate)
        if expression is None or not _fits(aggregate, expression, checking):
            return None
    value_type = number(0) if aggregate in ("count", "distinct") or expression is None else expression.type
    return CompiledMeasure(
        name=written.name,
        title=written.caption,
        aggregate=aggregate,
        expression=expression,
        where=checking.expression(written.where, "where", want=YES_NO) if written.where is not None else None,
        type=value_type,
        format=_format(written, expression, value_type, checking),
        per_record=aggregate in ("sum", "avg") and checking.scope.in_row and not _reads_row(expression),
        decimals=_decimals(written, aggregate, value_type),
    )


def _computed(
    written: MeasureDefinition, checking: CheckContext, before: Sequence[CompiledMeasure]
) -> CompiledMeasure | None:
    if written.where is not None:
        checking.ask_to_mend("useless_key", _NO_WHERE, "where", hint=_NARROW_THE_OTHERS)
    extras = {each.name: each.type for each in before}
    scope = Scope(NOWHERE.names, NOWHERE.form, frozenset({"today"}), extras=extras)
    expression = checking.within(scope).expression(written.value or "", "value", want=number(10))
    if expression is None:
        return None
    decimals = written.decimals if written.decimals is not None else (4 if written.percent else 2)
    shown = "percent" if written.percent else "number"
    return CompiledMeasure(
        written.name, written.caption, "value", expression, None, number(decimals), shown, False, decimals
    )


def _fits(aggregate: str, expression: Expression, checking: CheckContext) -> bool:
    name, allowed = expression.type.name, FITS.get(aggregate)
    if name in ("rows", "list", "blank") or (allowed is not None and name not in allowed):
        message = {"en": f"`{aggregate}` cannot take this value", "zh": f"{aggregate} 不能用于此类值"}
        checking.add("wrong_type", message, aggregate)
        return False
    return True


def _format(
    written: MeasureDefinition, expression: Expression | None, value_type: ValueType, checking: CheckContext
) -> str:
    if value_type.name != "number":
        return value_type.name
    if written.percent:
        return "percent"
    leaf = leaf_of(expression, checking.app) if expression is not None and len(expression.reads) == 1 else None
    if leaf is None or written.aggregate in ("count", "distinct"):
        return "number"
    return leaf.kind.look_of(leaf.options).mark or "number"


def _decimals(written: MeasureDefinition, aggregate: str, value_type: ValueType) -> int:
    if written.decimals is not None:
        return written.decimals
    if aggregate in ("count", "distinct"):
        return 0
    own = value_type.decimals if value_type.decimals is not None else 4
    return max(own, 2) if aggregate == "avg" else own


def _reads_row(expression: Expression | None) -> bool:
    return expression is None or any(path[0] == "row" for path in expression.reads)


_NO_WHERE: Text = {
    "en": "A measure that is computed from others counts no records, so it has no `where`",
    "zh": "由其他指标计算的指标不统计记录，不能带 where",
}
_NARROW_THE_OTHERS: Text = {"en": "Write it at the measures it is computed from", "zh": "请写在其所依据的指标上"}
