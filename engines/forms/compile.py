"""From the forms of a definition to compiled forms: types, tables, formulas in order, everything by id."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from engines.action_values import compile_value
from engines.checks.installation import id_problem, is_written_out
from engines.compiled import (
    CompiledField,
    CompiledForm,
    FieldKey,
    Rollup,
    Storage,
    StoredAs,
)
from engines.forms import tables
from engines.forms.choices import check_settings
from engines.forms.conditions import condition, validations_of
from engines.forms.context import FormContext
from engines.forms.contradictions import refuse_contradictions
from engines.forms.filtered import filtered_by
from engines.forms.formula_limits import check_formulas
from engines.forms.labels import labels_of
from engines.forms.makeshift import Makeshift
from engines.forms.resolve import Resolver
from engines.forms.storage import Storages
from engines.forms.written import WrittenField, WrittenForm, written_forms
from engines.values import CompiledValue, ValueProblem
from metadata.expressions import Expression, FieldReference, Names
from metadata.problems import Problems, Refusal

__all__ = ["CompiledForms", "compile_forms", "compile_forms_that_can_be"]


@dataclass(frozen=True)
class CompiledForms:
    """All forms and subforms of an app by id, with the names that expressions of the other engines resolve by."""

    forms: Mapping[str, CompiledForm]
    form_ids: Mapping[str, str]
    names: Names
    storages: Mapping[str, StoredAs]
    metadata: sa.MetaData
    derived_order: tuple[FieldKey, ...]


def compile_forms(
    definition: Any, kinds: Any, number: int, storages: Mapping[str, StoredAs], problems: Problems
) -> CompiledForms:
    """Compile every form. Fields with problems are left out, so that the rest can still be looked at."""
    written = written_forms(definition, kinds)
    return _compiled(definition, Resolver(written, kinds.functions, problems), number, storages, problems)


def compile_forms_that_can_be(
    definition: Any, kinds: Any, number: int, storages: Mapping[str, StoredAs], problems: Problems
) -> CompiledForms:
    """Compile every form of an app that was in order once. Fields with problems are raw."""
    written = written_forms(definition, kinds)
    return _compiled(definition, Makeshift(written, kinds.functions, problems, storages), number, storages, problems)


def _compiled(
    definition: Any, resolver: Resolver, number: int, storages: Mapping[str, StoredAs], problems: Problems
) -> CompiledForms:
    for form in resolver.forms.values():
        _own_problems(resolver, form, problems)
    resolver.resolve_all()
    return _Compiler(definition, resolver, number, storages, problems).compile()


def _own_problems(resolver: Resolver, form: WrittenForm, problems: Problems) -> None:
    """What each kind says about its field, and what holds for fields of all kinds."""
    for written in form.fields.values():
        try:
            found = list(written.kind.problems(written.definition, FormContext(resolver, form, written)))
        except Refusal as refusal:
            found = list(refusal.problems)
        problems.extend(found, written.path)


@dataclass
class _Compiler:
    definition: Any
    resolver: Resolver
    number: int
    known: Mapping[str, StoredAs]
    problems: Problems
    metadata: sa.MetaData = field(default_factory=sa.MetaData)
    storages: dict[str, StoredAs] = field(default_factory=dict)
    forms: dict[str, CompiledForm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.storages = dict(self.known)
        self.where_stored = Storages(self.resolver)
        self.rollups: dict[FieldKey, Rollup] = {}

    def compile(self) -> CompiledForms:
        for key in self.resolver.totals:
            if (rollup := self.where_stored.rollup(key, self.problems)) is not None:
                self.rollups[key] = rollup
        check_formulas(self.resolver, self.where_stored, self.problems)
        main = [form for form in self.resolver.forms.values() if form.parent is None]
        for form in main:
            self.compile_form(form)
        forms = {id: self._with_neighbours(form) for id, form in self.forms.items()}
        forms = {id: _with_subforms(form, forms) for id, form in forms.items()}
        ids = dict(self.resolver.form_ids)
        return CompiledForms(forms, ids, self._names(), self.storages, self.metadata, self._derived_order())

    def compile_form(self, form: WrittenForm) -> None:
        """Compile a form with its subforms; the tables come first, since rows refer to their record."""
        self._keep(form.id, tables.ROWS if form.parent else tables.TABLE)
        fields = {
            each.key[1]: self._field(form, each) for each in form.fields.values() if each.key in self.resolver.types
        }
        table = self._table(form, fields.values())
        fields = {id: self._with_side_table(each, table) for id, each in fields.items()}
        filtered = frozenset() if form.parent else filtered_by(self.definition, form.name)
        tables.add_indexes(table, fields.values(), form.parent is not None, filtered)
        check_settings(form.path, fields.values(), self.problems)
        for written in form.fields.values():
            if (rows := self.resolver.forms.get(written.key[1])) is not None and rows.parent == form.id:
                self.compile_form(rows)
        self.forms[form.id] = self._form(form, fields, table)

    def _form(self, form: WrittenForm, fields: Mapping[str, CompiledField], table: sa.Table) -> CompiledForm:
        labels = labels_of(form, self.resolver, self.problems) if form.parent is None else {}
        return CompiledForm(
            id=form.id,
            name=form.name,
            title=form.definition.caption,
            fields=fields,
            field_ids={each.name: each.id for each in fields.values()},
            table=table,
            label=labels.get("") or labels.get("en") or next(iter(labels.values()), None),
            labels=labels,
            icon=getattr(form.definition, "icon", None) or "table",
            help=form.definition.help or "",
            parent=form.parent,
            validations=validations_of(form, self.resolver, self.problems) if form.parent is None else (),
            formula_order=self._order(form, computed=False),
            computed_order=self._order(form, computed=True),
            stages=tuple(each.id for each in fields.values() if each.stage),
            rollups=tuple(self.rollups[(form.id, id)] for id in fields if (form.id, id) in self.rollups),
            rollups_from=tuple(each for each in self.rollups.values() if each.source == form.id),
        )

    def _field(self, form: WrittenForm, written: WrittenField) -> CompiledField:
        stored = self._as_stored(form, written)
        if stored.raw:
            return replace(stored, visible_if=self._condition(form, written, "visible_if"))
        refuse_contradictions(stored, written.definition, written.path, self.problems)
        return replace(
            stored,
            required_if=self._condition(form, written, "required_if"),
            visible_if=self._condition(form, written, "visible_if"),
            default=self._default(form, written, stored),
        )

    def _as_stored(self, form: WrittenForm, written: WrittenField) -> CompiledField:
        """The field but for what hangs on other fields."""
        id, definition, type = written.key[1], written.definition, self.resolver.types[written.key]
        storage, raw = self._storage(written), written.kind.stands_in or written.key in self.resolver.raw
        has_column = storage in ("stored", "rollup", "number")
        if has_column or storage == "list":
            self._keep(id, tables.shape_of(type))
        generation = self.storages[id].generation if id in self.storages else 1
        return CompiledField(
            id=id,
            name=definition.name,
            title=definition.caption,
            kind=written.kind,
            options=definition,
            type=type,
            storage=storage,
            form=form.id,
            help=definition.help or "",
            column=tables.physical(id, generation) if has_column else None,
            required=definition.required and not raw,
            read_only=definition.read_only,
            raw=raw,
            unique=definition.unique,
            expression=self.resolver.expressions.get(written.key),
            rollup=self.rollups.get(written.key),
            target=type.element.form if type.element.name == "link" else None,
            stage=bool(getattr(definition, "stage", False)),
            position=written.position,
            generation=generation,
        )

    def _storage(self, written: WrittenField) -> Storage:
        if written.key in self.resolver.expressions:
            return "computed" if self.where_stored.is_computed(written.key) else "stored"
        if written.key in self.resolver.raw:
            return "list" if self.resolver.types[written.key].name == "list" else "stored"
        return written.kind.storage_of(written.definition)

    def _condition(self, form: WrittenForm, written: WrittenField, key: str) -> Expression | None:
        text = getattr(written.definition, key)
        return (
            condition(text, self.resolver.scope(form.id), written.path / key, self.resolver, self.problems)
            if text
            else None
        )

    def _default(self, form: WrittenForm, written: WrittenField, compiled: CompiledField) -> CompiledValue | None:
        raw = written.definition.default
        if raw is None:
            return None
        if is_written_out(raw) and (problem := id_problem(compiled)) is not None:
            self.problems.extend([problem], written.path / "default")
            with suppress(ValueProblem):
                return CompiledValue(literal=_parse(compiled, raw))  # what is live already goes on with it
            return None
        want, parse = self.resolver.types[written.key], partial(_parse, compiled)
        try:
            return compile_value(raw, self.resolver.scope(form.id), self.resolver.functions, want, parse)
        except ValueProblem as wrong:
            self.problems.items.append(wrong.at(written.path / "default"))
        except Refusal as refusal:
            self.problems.extend(refusal.problems, written.path / "default")
        return None

    def _order(self, form: WrittenForm, computed: bool) -> tuple[FieldKey, ...]:
        """The formulas of a form and its subforms, each after what it reads."""
        own = {form.id} | {each.id for each in self.resolver.forms.values() if each.parent == form.id}
        return tuple(
            key
            for key in self.resolver.order
            if key[0] in own and key in self.resolver.expressions and self.where_stored.is_computed(key) is computed
        )

    def _derived_order(self) -> tuple[FieldKey, ...]:
        """All stored formulas and roll-ups of the app, each after what it rests on."""
        return tuple(
            key
            for key in self.resolver.order
            if key in self.rollups or key in self.resolver.expressions and not self.where_stored.is_computed(key)
        )

    def _table(self, form: WrittenForm, fields: Any) -> sa.Table:
        columns = [column for each in fields for column in each.kind.columns(each)]
        if form.parent is None:
            return tables.form_table(self.metadata, self.number, form.id, columns)
        parent = self.metadata.tables[f"a{self.number}_{form.parent}"]
        generation = self.storages[form.id].generation
        return tables.rows_table(self.metadata, self.number, form.id, generation, parent.name, columns)

    def _with_side_table(self, compiled: CompiledField, owner: sa.Table) -> CompiledField:
        if compiled.storage != "list" or compiled.type.of is None:
            return compiled
        side = tables.side_table(
            self.metadata, self.number, compiled.id, compiled.generation, owner.name, compiled.type.of
        )
        return replace(compiled, side_table=side)

    def _keep(self, id: str, shape: str) -> None:
        self.storages[id] = tables.stored_as(self.storages.get(id), shape)

    def _with_neighbours(self, form: CompiledForm) -> CompiledForm:
        back = tuple(
            (other.id, each.id)
            for other in self.forms.values()
            for each in other.fields.values()
            if each.target == form.id
        )
        return replace(form, back_references=back)

    def _names(self) -> Names:
        """The names as plain data, once every type is known."""
        names = self.resolver.names
        if self.problems:
            return names
        plain: dict[str, Mapping[str, FieldReference]] = {
            id: dict(fields.items()) for id, fields in names.forms.items()
        }
        return Names(plain, names.titles)


def _parse(field: CompiledField, raw: Any) -> Any:
    return field.kind.parse(raw, field)


def _with_subforms(form: CompiledForm, forms: Mapping[str, CompiledForm]) -> CompiledForm:
    """The form with its rows; a subform within a subform is none, and has been complained of."""
    fields = {
        id: replace(each, subform=forms.get(id)) if each.storage == "rows" else each for id, each in form.fields.items()
    }
    return replace(form, fields=fields)
