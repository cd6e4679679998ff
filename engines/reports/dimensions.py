"""Dimensions compiled: by what a report groups, and which field stands behind it."""

from collections.abc import Sequence

from engines.compiled import CompiledField
from engines.context import AppContext, CheckContext
from engines.reports.compiled import CompiledDimension
from engines.system_fields import SYSTEM_TITLES
from metadata.expressions import Expression, check
from metadata.reports import DimensionDefinition
from metadata.value_types import DATE, ValueType

BUCKETED = ("date", "datetime")


def compile_dimensions(
    definitions: Sequence[DimensionDefinition], checking: CheckContext
) -> tuple[CompiledDimension, ...]:
    """Compile the dimensions of a report; those with problems are left out."""
    made = (_dimension(written, checking.at(index)) for index, written in enumerate(definitions))
    return tuple(each for each in made if each is not None)


def path_of(expression: Expression) -> tuple[str, ...]:
    """The longest path that the expression reads; a plain field reads just one."""
    return max(expression.reads, key=len, default=("record", ""))


def leaf_of(expression: Expression, app: AppContext) -> CompiledField | None:
    """The field that the path ends at; None for a system field or one of the directory."""
    last = path_of(expression)[-1]
    return next((form.fields[last] for form in app.forms.values() if last in form.fields), None)


def _dimension(written: DimensionDefinition, checking: CheckContext) -> CompiledDimension | None:
    expression = checking.expression(written.field, "field")
    if expression is None:
        return None
    leaf = leaf_of(expression, checking.app)
    value_type = expression.type.element
    assert value_type is not None
    _refuse_what_cannot_group(written, expression, value_type, checking)
    name = written.name or written.field.replace(".", "_")
    title = written.title or (leaf.title if leaf else SYSTEM_TITLES.get(path_of(expression)[-1], written.field))
    every = written.every or ("day" if value_type.name in BUCKETED else None)
    if value_type.name == "datetime":  # a moment counts on its day in the app's zone
        expression = check(f"TODATE({written.field})", checking.scope, checking.app.functions, DATE)
    return CompiledDimension(name, title, expression, value_type, every, leaf)


def _refuse_what_cannot_group(
    written: DimensionDefinition, expression: Expression, value_type: ValueType, checking: CheckContext
) -> None:
    if value_type.name == "rows":
        hint = {"en": "Take it as the report's `rows`", "zh": "请将其设为报表的 rows"}
        checking.add("not_a_value", {"en": "A subform is no value", "zh": "子表单不是单个值"}, hint=hint)
    if written.every is not None and value_type.name not in BUCKETED:
        checking.add("not_a_date", {"en": "`every` goes with dates only", "zh": "every 仅适用于日期"}, "every")
    if expression.type.name == "list" and len(path_of(expression)) != 2:
        message = {"en": "A list behind a link cannot be grouped by", "zh": "不能按关联记录中的多值字段分组"}
        checking.add("list_behind_link", message, "field")
