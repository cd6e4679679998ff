"""What every field's type is: formulas are checked in the order in which they read one another."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from engines.compiled import FieldKey
from engines.forms.context import FormContext
from engines.forms.field_type import Total
from engines.forms.written import WrittenField, WrittenForm
from engines.system_fields import system_references
from metadata.expressions import Expression, FieldReference, Names, Scope
from metadata.problems import Problem, Problems, Refusal
from metadata.registry import Registry
from metadata.text import say
from metadata.value_types import ValueType

RECORD_ROOTS = frozenset({"record", "user", "today", "now"})
CHANGING_SYSTEM_FIELDS = frozenset({"version", "updated_at", "updated_by"})


class BrokenField(Refusal):
    """A field that has a problem of its own, already noted; whoever reads it has none to add."""


class FormulaCycle(Exception):
    """A field that is computed from itself, with the fields on the way round."""

    def __init__(self, keys: tuple[FieldKey, ...]) -> None:
        super().__init__("a formula reads itself")
        self.keys = keys


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
        self.raw: set[FieldKey] = set()
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

    def type_instead(self, written: WrittenField) -> ValueType:
        """What stands for the type of a field that has a problem: none, and whoever reads it has none either."""
        self._broken.add(written.key)
        raise BrokenField from None

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
            self.problems.extend(refusal.problems, written.path)
            found = self.type_instead(written)
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
