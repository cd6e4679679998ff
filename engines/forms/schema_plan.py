"""What a publish means for the tables: the difference of two compiled apps, by id, as steps and losses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledField, CompiledForm, FieldKey, StoredAs
from engines.forms import tables
from metadata.text import Text, say

Phase = Literal["expand", "backfill", "contract"]
StepKind = Literal["create_table", "add_column", "add_index", "drop_index", "convert", "move", "number", "fill"]


@dataclass(frozen=True)
class Source:
    """Where the values of a retyped field come from: its column or side table of the generation before."""

    stored: StoredAs
    name: str


@dataclass(frozen=True)
class Step:
    """One change of the tables (`expand`, `contract`), or of what stands in them (`backfill`)."""

    phase: Phase
    kind: StepKind
    form: str
    field: str | None = None
    table: sa.Table | None = None
    column: str | None = None
    index: sa.Index | None = None
    source: Source | None = None
    moves: tuple[tuple[str, str], ...] = ()

    @property
    def summary(self) -> str:
        """The step in one line, as plans are shown and tested."""
        assert self.table is not None
        if self.kind == "create_table":
            return f"create table {self.table.name}"
        if self.kind == "convert":
            assert self.source is not None
            return f"convert {self.source.name} ({self.source.stored.shape}) to {self.column or self.table.name}"
        if self.kind == "move":
            moved = ", ".join(f"{old} to {new}" for old, new in self.moves)
            return f"move {moved} in {self.table.name}.{self.column or 'value'}"
        if self.kind in ("add_index", "drop_index"):
            assert self.index is not None
            unique = "unique " if self.index.unique else ""
            return f"{self.kind.split('_')[0]} {unique}index {self.index.name}"
        return f"{self.kind.replace('_', ' ')} {self.table.name}.{self.column}"


@dataclass(frozen=True)
class Loss:
    """Something a publish would put out of sight or might not convert; it needs an explicit yes."""

    form: str
    field: str | None
    code: Literal["form_hidden", "field_hidden", "retyped", "option_removed"]
    message: Text


@dataclass(frozen=True)
class SchemaPlan:
    """The steps from one app to the next, in order, and what they lose. Nothing is ever dropped."""

    steps: tuple[Step, ...] = ()
    losses: tuple[Loss, ...] = ()

    def of(self, phase: Phase) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.phase == phase)


def plan(before: CompiledApp | None, after: CompiledApp) -> SchemaPlan:
    """Compare two compiled apps by id; a first publish compares with nothing."""
    steps = [*_expand(before, after), *_backfill(before, after), *_contract(before, after)]
    return SchemaPlan(tuple(steps), tuple(_losses(before, after)) if before is not None else ())


def _expand(before: CompiledApp | None, after: CompiledApp) -> Iterator[Step]:
    """New tables and columns; indexes, unless values are converted first; uniqueness that no longer holds goes."""
    stored = _Stored(before, after)
    new = {table.name for table in after.metadata.sorted_tables if stored.is_new_table(table)}
    for table in after.metadata.sorted_tables:
        if table.name in new:
            yield Step("expand", "create_table", *stored.owner(table), table)
    for form in after.forms.values():
        if form.table.name not in new:
            for field in form.stored:
                if stored.is_new(field.id):
                    yield Step("expand", "add_column", form.id, field.id, form.table, field.column)
    for step in _indexes(before, after, new):
        waits = step.index is not None and step.index.unique and stored.is_converted(step.field)
        if not waits:
            yield step


def _backfill(before: CompiledApp | None, after: CompiledApp) -> Iterator[Step]:
    """Values to carry over to a new column, then formulas and roll-ups that are new or mean something else."""
    if before is None:
        return
    stored = _Stored(before, after)
    for form in after.forms.values():
        for field in form.fields.values():
            if (source := stored.source(field)) is not None and not field.is_derived:
                table = field.side_table if field.side_table is not None else form.table
                yield Step("backfill", "convert", form.id, field.id, table, field.column, source=source)
            if moves := _moves(before, form, field):
                table = field.side_table if field.side_table is not None else form.table
                yield Step("backfill", "move", form.id, field.id, table, field.column, moves=moves)
            if _is_numbered_now(before, form, field):
                yield Step("backfill", "number", form.id, field.id, form.table, field.column)
    for key in after.derived_order:
        if key[0] in before.forms and _means_otherwise(before, after, key):
            form = after.forms[key[0]]
            yield Step("backfill", "fill", key[0], key[1], form.table, form.fields[key[1]].column)


def _is_numbered_now(before: CompiledApp, form: CompiledForm, field: CompiledField) -> bool:
    """Whether records that are there already get numbers only now."""
    if field.storage != "number" or form.id not in before.forms or form.parent is not None:
        return False
    old = before.forms[form.id].fields.get(field.id)
    return old is None or old.storage != "number"


def _moves(before: CompiledApp, form: CompiledForm, field: CompiledField) -> tuple[tuple[str, str], ...]:
    """Which options are newly taken over by which, also those that were removed earlier and stand in records still."""
    old = before.forms[form.id].fields.get(field.id) if form.id in before.forms else None
    if old is None or old.type != field.type:
        return ()
    said = {(was, value) for value, option in old.choices.items() for was in option.was if was not in old.choices}
    taken = ((was, value) for value, option in field.choices.items() for was in option.was)
    return tuple(each for each in taken if each not in said)


def _contract(before: CompiledApp | None, after: CompiledApp) -> Iterator[Step]:
    """What has to wait for the converted values: their uniqueness."""
    stored = _Stored(before, after)
    new = {table.name for table in after.metadata.sorted_tables if stored.is_new_table(table)}
    for step in _indexes(before, after, new):
        if step.index is not None and step.index.unique and stored.is_converted(step.field):
            yield Step("contract", "add_index", step.form, step.field, step.table, step.column, step.index)


def _indexes(before: CompiledApp | None, after: CompiledApp, new: set[str]) -> Iterator[Step]:
    for form in after.forms.values():
        if form.table.name in new:
            continue
        old = before.forms.get(form.id) if before is not None else None
        had = {index.name: index for index in old.table.indexes} if old is not None else {}
        has = {index.name: index for index in form.table.indexes}
        for name in sorted(had.keys() - has.keys(), key=str):
            if had[name].unique:  # a plain index that nobody asks for any more only costs time
                yield Step("expand", "drop_index", form.id, _field_of(had[name], form), form.table, index=had[name])
        for name in sorted(has.keys() - had.keys(), key=str):
            yield Step("expand", "add_index", form.id, _field_of(has[name], form), form.table, index=has[name])


def _field_of(index: sa.Index, form: CompiledForm) -> str | None:
    columns = {column.name for column in index.columns}
    return next((field.id for field in form.stored if field.column in columns), None)


@dataclass(frozen=True)
class _Stored:
    """What was stored before under which id, against what is to be."""

    before: CompiledApp | None
    after: CompiledApp

    def known(self, id: str) -> StoredAs | None:
        return self.before.storages.get(id) if self.before is not None else None

    def is_new(self, id: str) -> bool:
        """Whether there is no place yet for what is to be stored under the id."""
        known = self.known(id)
        return known is None or known.generation != self.after.storages[id].generation

    def is_new_table(self, table: sa.Table) -> bool:
        return self.is_new(self.owner(table)[1] or self.owner(table)[0])

    def owner(self, table: sa.Table) -> tuple[str, str | None]:
        """The form and (for side tables) the field whose values a table keeps."""
        for form in self.after.forms.values():
            if form.table is table:
                return form.id, None
            for field in form.lists:
                if field.side_table is table:
                    return form.id, field.id
        raise LookupError(table.name)

    def is_converted(self, id: str | None) -> bool:
        return id is not None and self.known(id) is not None and self.is_new(id)

    def source(self, field: CompiledField) -> Source | None:
        """Where the values of a retyped field are now; rows become nothing else."""
        known = self.known(field.id)
        if known is None or not self.is_converted(field.id) or tables.ROWS in (known.shape, field.storage):
            return None
        name = tables.physical(field.id, known.generation)
        return Source(known, f"a{self.after.number}_{name}" if known.shape.startswith("list:") else name)


def _means_otherwise(before: CompiledApp, after: CompiledApp, key: FieldKey) -> bool:
    """Whether a stored formula or roll-up is new, or is computed in another way than before."""
    old, new = before.forms[key[0]].fields.get(key[1]), after.forms[key[0]].fields[key[1]]
    return (
        old is None or old.storage != new.storage or _meaning(old) != _meaning(new) or _rests_on_new(before, after, key)
    )


def _rests_on_new(before: CompiledApp, after: CompiledApp, key: FieldKey) -> bool:
    """Whether one of the values it reads was retyped, or is itself computed anew."""
    field = after.forms[key[0]].fields[key[1]]
    if field.rollup is not None:
        return any(_is_other(before, after, id) for id in field.rollup.reads)
    reads = field.expression.reads if field.expression is not None else frozenset()
    return any(_is_other(before, after, part) for read in reads for part in read[1:])


def _is_other(before: CompiledApp, after: CompiledApp, id: str) -> bool:
    if before.storages.get(id) != after.storages.get(id) or _is_moved(before, after, id):
        return True
    key = next((each for each in after.derived_order if each[1] == id), None)
    return key is not None and key[0] in before.forms and _means_otherwise(before, after, key)


def _is_moved(before: CompiledApp, after: CompiledApp, id: str) -> bool:
    return any(id in form.fields and _moves(before, form, form.fields[id]) for form in after.forms.values())


def _meaning(field: CompiledField) -> object:
    """What a computed field says, by ids: a rename changes nothing."""
    if field.rollup is not None:
        rollup = field.rollup
        where = rollup.where.root if rollup.where is not None else None
        return (rollup.source, rollup.rows, rollup.link, rollup.function, rollup.value, _tree(where), field.type)
    return (_tree(field.expression.root) if field.expression is not None else None, field.type)


def _tree(node: object) -> object:
    """The tree of an expression without the places of its names in the text."""
    if node is None:
        return None
    return (node.kind, node.value, node.loop, tuple(_tree(each) for each in node.args))  # type: ignore[attr-defined]


def _losses(before: CompiledApp, after: CompiledApp) -> Iterator[Loss]:
    for id, form in before.forms.items():
        if id not in after.forms:
            if form.parent is None:
                yield Loss(id, None, "form_hidden", _hidden(form.title))
            continue
        for field in form.fields.values():
            yield from _field_losses(form, field, after.forms[id].fields.get(field.id), after)


def _field_losses(
    form: CompiledForm, old: CompiledField, new: CompiledField | None, after: CompiledApp
) -> Iterable[Loss]:
    if new is None:
        yield Loss(form.id, old.id, "field_hidden", _hidden(old.title))
        return
    if not new.is_derived and _shape(old) != _shape(new):
        message = {
            "en": f"Values of “{say(old.title, 'en')}” that do not fit the new type stay behind",
            "zh": f"“{say(old.title, 'zh')}”中无法转换为新类型的值将不再显示",
        }
        yield Loss(form.id, old.id, "retyped", message)
    moved = {was for option in new.choices.values() for was in option.was}
    gone = [value for value in old.choices if new.choices and value not in new.choices and value not in moved]
    if gone:
        english, chinese, listed = say(old.title, "en"), say(old.title, "zh"), ", ".join(gone)
        message = {
            "en": f"Records keep the removed options {listed} of “{english}”, but nobody can choose them any more",
            "zh": f"“{chinese}”中已移除的选项 {listed} 在现有记录中仍会保留，但不能再选择",
        }
        yield Loss(form.id, old.id, "option_removed", message)


def _shape(field: CompiledField) -> str:
    return tables.shape_of(field.type)


def _hidden(title: Text) -> Text:
    return {
        "en": f"“{say(title, 'en')}” is no longer shown; its data is kept",
        "zh": f"“{say(title, 'zh')}”将不再显示，其数据仍会保留",
    }
