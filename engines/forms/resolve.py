"""What every field's type is: formulas are checked in the order in which they read one another."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engines.compiled import FieldKey
from engines.forms.field_type import Total
from engines.forms.written import WrittenField, WrittenForm
from metadata.expressions import Expression, FieldReference, Names, Scope, check
from metadata.expressions.blanks import blanks_as_zero
from metadata.problems import ROOT, InvalidDefinition, Path, Problem, Problems, Refusal, nearest
from metadata.registry import Registry
from metadata.text import Text, say
from metadata.value_types import DATETIME, DEPARTMENT, MEMBER, ValueType, link, number

RECORD_ROOTS = frozenset({"record", "user", "today", "now"})
MEASURED = ("number", "date", "datetime")
CHANGING_SYSTEM_FIELDS = frozenset({"version", "updated_at", "updated_by"})


class BrokenField(Refusal):
    """A field that has a problem of its own, already noted; whoever reads it has none to add."""


class FormulaCycle(Exception):
    """A field that is computed from itself, with the fields on the way round."""

    def __init__(self, keys: tuple[FieldKey, ...]) -> None:
        super().__init__("a formula reads itself")
        self.keys = keys


def system_references(form: str) -> dict[str, FieldReference]:
    """The system fields of a form, as expressions see them."""
    types = {
        "id": link(form),
        "version": number(0),
        "owner": MEMBER,
        "department": DEPARTMENT,
        "created_at": DATETIME,
        "created_by": MEMBER,
        "updated_at": DATETIME,
        "updated_by": MEMBER,
    }
    return {name: FieldReference(name, name, type) for name, type in types.items()}


class FieldsOf(Mapping[str, FieldReference]):
    """The fields of a form by name; the type of a computed one is found out when it is first asked for."""

    def __init__(self, resolver: "Resolver", form: WrittenForm) -> None:
        self._resolver = resolver
        self._form = form
        self._system = system_references(form.id)
        if form.parent is not None:
            self._system = {"id": self._system["id"]}

    def __getitem__(self, name: str) -> FieldReference:
        if name in self._system:
            return self._system[name]
        written = self._form.fields[name]
        return FieldReference(written.key[1], name, self._resolver.type_of(written.key))

    def __contains__(self, name: object) -> bool:
        return name in self._system or name in self._form.fields

    def __iter__(self) -> Iterator[str]:
        yield from self._form.fields
        yield from self._system

    def __len__(self) -> int:
        return len(self._form.fields) + len(self._system)


class Resolver:
    """Finds the type of every field once, deepest first; `order` is the order in which values can be computed."""

    def __init__(self, forms: Mapping[str, WrittenForm], functions: Registry[Any], problems: Problems) -> None:
        self.forms = forms
        self.form_ids = {form.name: form.id for form in forms.values() if form.parent is None}
        self.functions = functions
        self.problems = problems
        self.types: dict[FieldKey, ValueType] = {}
        self.expressions: dict[FieldKey, Expression] = {}
        self.totals: dict[FieldKey, Total] = {}
        self.wheres: dict[FieldKey, Expression | None] = {}
        self.order: list[FieldKey] = []
        self._broken: set[FieldKey] = set()
        self._under_way: list[FieldKey] = []
        titles = {form.id: say(form.definition.caption, "en") for form in forms.values()}
        self.names = Names({form.id: FieldsOf(self, form) for form in forms.values()}, titles)

    def resolve_all(self) -> None:
        for form in self.forms.values():
            for written in form.fields.values():
                with suppress(BrokenField):
                    self.type_of(written.key)

    def type_of(self, key: FieldKey) -> ValueType:
        if key in self.types:
            return self.types[key]
        if key in self._broken:
            raise BrokenField
        if key in self._under_way:
            raise FormulaCycle((*self._under_way[self._under_way.index(key) :], key))
        return self._find_out(key)

    def written(self, key: FieldKey) -> WrittenField:
        return self.forms[key[0]].by_id[key[1]]

    def source_of(self, total: Total) -> str | None:
        """The id of the form or subform whose records or rows are totalled; None where there is no such subform."""
        form = self.form_ids[total.form]
        if total.rows is None:
            return form
        found = self.forms[form].fields.get(total.rows)
        return found.key[1] if found is not None and found.key[1] in self.forms else None

    def scope(self, form: str, roots: frozenset[str] = RECORD_ROOTS) -> Scope:
        """Where the expressions of a form's fields stand; those of a subform see its rows and the record."""
        return Scope(self.names, form, roots, record_form=self.forms[form].parent)

    def _find_out(self, key: FieldKey) -> ValueType:
        written = self.written(key)
        self._under_way.append(key)
        try:
            found = written.kind.value_type(written.definition, FormContext(self, self.forms[key[0]], written))
        except FormulaCycle as cycle:
            self._broken.add(key)
            if key != cycle.keys[0]:
                raise
            self.problems.items.append(self._cycle_problem(cycle.keys))
            raise BrokenField from None
        except BrokenField:
            self._broken.add(key)
            raise
        except Refusal as refusal:
            self._broken.add(key)
            self.problems.extend(refusal.problems, written.path)
            raise BrokenField from None
        finally:
            self._under_way.pop()
        self.types[key] = found
        self.order.append(key)
        return found

    def _cycle_problem(self, keys: tuple[FieldKey, ...]) -> Problem:
        names = " → ".join(f"{self.forms[form].name}.{self.written((form, id)).definition.name}" for form, id in keys)
        message = {"en": f"These fields are computed from one another: {names}", "zh": f"这些字段循环引用：{names}"}
        hint = {"en": "Take one of them out of the circle", "zh": "请去掉其中一处引用"}
        return Problem(self.written(keys[0]).path, "formula_cycle", message, hint)


class FormContext:
    """What a field kind may ask about the app while its field is compiled."""

    def __init__(self, resolver: Resolver, form: WrittenForm, written: WrittenField) -> None:
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

    def total_type(self, total: Total, type_of_value: Callable[[ValueType | None], ValueType]) -> ValueType:
        """The type of a roll-up; its parts are checked and kept."""
        source = self._source(total)
        self._check_link(total, source)
        value = self.type_of(total.value, source) if total.value else None
        _check_value(total, value)
        where = None
        if total.where:
            place = ROOT / "where"
            scope = self._resolver.scope(source)
            where = self._checked(total.where, scope, place, ValueType("yes_no"))
            _refuse_viewer(where, place)
            _refuse_moving(where, place)
        self._resolver.totals[self._written.key] = total
        self._resolver.wheres[self._written.key] = where
        return type_of_value(value)

    def _source(self, total: Total) -> str:
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

    def _check_link(self, total: Total, source: str) -> None:
        type = self.type_of(total.link, source)
        target = type.of if type.name == "list" and type.of is not None else type
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


def _check_value(total: Total, value: ValueType | None) -> None:
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
