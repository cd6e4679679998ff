"""What a field kind may ask about the app while its field is compiled."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metadata.expressions import Expression, Scope, check
from metadata.expressions.blanks import blanks_as_zero
from metadata.problems import ROOT, InvalidDefinition, Path, Problem, Refusal, nearest
from metadata.text import Text
from metadata.value_types import YES_NO, ValueType

if TYPE_CHECKING:
    from engines.forms.field_type import Total
    from engines.forms.resolve import Resolver
    from engines.forms.written import WrittenField, WrittenForm

MEASURED = ("number", "date", "datetime")


class FormContext:
    """The app as one field sees it: the forms there are, their fields, and the types of these."""

    def __init__(self, resolver: "Resolver", form: "WrittenForm", written: "WrittenField") -> None:
        self._resolver = resolver
        self._form = form
        self._written = written

    def form_id(self, name: str) -> str:
        """The id of a form by its name."""
        found = self._resolver.form_ids.get(name)
        if found is None:
            message = {"en": f"There is no form “{name}”", "zh": f"不存在表单“{name}”"}
            hint = nearest(name, self._resolver.form_ids)
            raise InvalidDefinition(Problem(ROOT / "form", "unknown_form", message, hint))
        return found

    def field_names(self) -> list[str]:
        return list(self._form.fields)

    def is_own(self, name: str) -> bool:
        """Whether a name is that of the field itself."""
        return bool(self._written.definition.name == name)

    def type_of(self, name: str, form: str | None = None) -> ValueType:
        """The type of a field by its name, of this form or of another one (its id)."""
        fields = self._resolver.names.forms[form or self._form.id]
        if name not in fields:
            message = {"en": f"There is no field “{name}”", "zh": f"不存在字段“{name}”"}
            raise InvalidDefinition(Problem(ROOT, "unknown_field", message, nearest(name, fields)))
        return fields[name].type

    def formula_type(self, definition: Any, decimals: int | None, most: int = 4) -> ValueType:
        """The type of the expression that computes the field; the checked expression is kept.

        A number has the `decimals` that are asked for, else those of the expression, up to `most`.
        """
        text = self._written.kind.formula(definition, self)
        place = ROOT / "formula" if hasattr(definition, "formula") else ROOT
        expression = self._checked(text or "", self._resolver.scope(self._form.id), place)
        _refuse_viewer(expression, place)
        if getattr(definition, "blanks", "blank") == "zero":
            expression = blanks_as_zero(expression)
        found = _value_type(expression.type, decimals, most, place)
        self._resolver.expressions[self._written.key] = expression
        return found

    def total_type(self, total: "Total", type_of_value: Callable[[ValueType | None], ValueType]) -> ValueType:
        """The type of a roll-up; its parts are checked and kept."""
        source = self._source(total)
        self._check_link(total, source)
        value = self.type_of(total.value, source) if total.value else None
        _check_value(total, value)
        where = None
        if total.where:
            place = ROOT / "where"
            scope = self._resolver.scope(source)
            where = self._checked(total.where, scope, place, YES_NO)
            _refuse_viewer(where, place)
            _refuse_moving(where, place)
        self._resolver.totals[self._written.key] = total
        self._resolver.wheres[self._written.key] = where
        return type_of_value(value)

    def _source(self, total: "Total") -> str:
        """What is totalled: a form, or the subform of it that `rows` names."""
        form = self.form_id(total.form)
        source = self._resolver.source_of(total)
        if source is None:
            message = {
                "en": f"“{total.form}.{total.rows}” is no subform",
                "zh": f"“{total.form}.{total.rows}”不是子表单",
            }
            subforms = [each.name for each in self._resolver.forms.values() if each.parent == form]
            raise InvalidDefinition(Problem(ROOT / "rows", "bad_rollup", message, nearest(total.rows or "", subforms)))
        return source

    def _check_link(self, total: "Total", source: str) -> None:
        type = self.type_of(total.link, source)
        target = type.element
        if target.name != "link" or target.form != self._form.id:
            message = {
                "en": f"“{total.form}.{total.link}” is no link to this form",
                "zh": f"“{total.form}.{total.link}”不是指向本表单的关联字段",
            }
            raise InvalidDefinition(Problem(ROOT / "link", "bad_rollup", message))

    def _checked(self, text: str, scope: Scope, place: Path, want: ValueType | None = None) -> Expression:
        try:
            return check(text, scope, self._resolver.functions, want)
        except Refusal as refusal:
            raise InvalidDefinition(*(problem.under(place) for problem in refusal.problems)) from None


def _check_value(total: "Total", value: ValueType | None) -> None:
    allowed = {"sum": ("number",), "avg": ("number",), "min": MEASURED, "max": MEASURED}.get(total.function)
    if value is not None and (value.name not in allowed if allowed else value.name in ("list", "rows")):
        what = ("no number", "数值") if allowed else ("no single value", "单个值")
        message = {
            "en": f"There is no {total.function} of “{total.value}”, which is {what[0]}",
            "zh": f"“{total.value}”不是{what[1]}，不能计算 {total.function}",
        }
        raise InvalidDefinition(Problem(ROOT / total.function, "bad_rollup", message))


def _value_type(found: ValueType, decimals: int | None, most: int, place: Path) -> ValueType:
    if found.name == "number":
        wanted = decimals if decimals is not None else min(most if found.decimals is None else found.decimals, most)
        return replace(found, decimals=wanted)
    if found.name in ("blank", "rows", "list"):
        message: Text = {
            "en": "A formula gives one value, not a list or nothing",
            "zh": "公式应得到单个值，而不是列表或空值",
        }
        hint: Text = {
            "en": "Use SUM, COUNT or another function over the rows",
            "zh": "请对明细行使用 SUM、COUNT 等函数",
        }
        raise InvalidDefinition(Problem(place, "bad_formula", message, hint))
    return found


def _refuse_viewer(expression: Expression, place: Path) -> None:
    if any(read[0] == "user" for read in expression.reads):
        message = {
            "en": "A computed field may not depend on who looks at it",
            "zh": "计算字段不能依赖当前查看的用户",
        }
        hint = {"en": "Use owner or created_by instead of user", "zh": "请用 owner 或 created_by 代替 user"}
        raise InvalidDefinition(Problem(place, "viewer_dependent", message, hint))


def _refuse_moving(expression: Expression, place: Path) -> None:
    if expression.type.volatile or any(node.type.volatile for node in expression.root.walk()):
        message = {
            "en": "A roll-up may not depend on today or now: it would be wrong tomorrow",
            "zh": "汇总不能依赖 today 或 now：结果会随时间失效",
        }
        raise InvalidDefinition(Problem(place, "volatile_rollup", message))
