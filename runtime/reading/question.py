"""One question of one actor about one form: the masked statements that answer it, built once and kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.access import Grant, grants_of, readable_names, view, visible, visible_then
from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions import Moment, moment_of
from engines.facts import Facts
from engines.relation.masked import CLOCK, Column, Relation
from engines.relation.past import Past
from metadata.expressions import Names
from metadata.problems import Path
from runtime.facts import facts_of
from runtime.reading.narrowing import narrow
from runtime.reading.ordering import order_of
from runtime.reading.paging import Order
from runtime.reading.parameters import PAGE_LIMIT, PAGE_OFFSET, RECORD_ID, among
from runtime.reading.refusals import lies_ahead, no_form, no_history
from runtime.reading.shown_columns import Label, Wanted, everything, follow, resolve

if TYPE_CHECKING:
    from runtime.transaction import Tx


@dataclass(frozen=True)
class Making:
    """A statement in the making: its moment, and whether it turned out to depend on the very second (CLOCK)."""

    moment: Moment
    notes: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """What stands in the rows of a statement: columns, labels of links, and flags of lists that some rows hide."""

    columns: tuple[Wanted, ...]
    labels: Mapping[str, Label]
    flagged: frozenset[str]
    order: Order = ()

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """The keys of the columns that hold one value each."""
        return tuple(each.key for each in self.columns if not each.is_many)

    @cached_property
    def lists(self) -> tuple[Wanted, ...]:
        """The columns whose values stand in tables of their own."""
        return tuple(each for each in self.columns if each.is_many and len(each.path) == 1)

    @cached_property
    def people(self) -> tuple[Wanted, ...]:
        """The columns that hold members and departments."""
        return tuple(each for each in self.columns if each.type.name in ("member", "department"))


Planned = tuple[sa.Select[Any], Plan]


@dataclass(frozen=True)
class Question:
    """An actor asking about a form. `also` are grants of open tasks, `deleted` asks about the trash."""

    tx: "Tx"
    app: CompiledApp
    form: CompiledForm
    actor: Actor
    also: tuple[Grant, ...] = ()
    deleted: bool = False
    as_of: datetime | None = None

    @classmethod
    def of(
        cls,
        tx: "Tx",
        app: CompiledApp,
        form: str,
        actor: Actor | None = None,
        also: tuple[Grant, ...] = (),
        deleted: bool = False,
        as_of: datetime | None = None,
    ) -> "Question":
        """The question, if the actor may ask anything about the form at all; else there is no such form."""
        question = cls(tx, app, app.form(form), actor or tx.actor, also, deleted, as_of)
        if question.form.parent is not None or not question.view.grants:
            raise no_form()
        if not question.is_open:
            raise no_history()
        if as_of is not None and as_of > tx.now:
            raise lies_ahead()
        return question

    def elsewhere(self, form: str) -> "Question":
        """The same actor asking about another form, from here."""
        return replace(self, form=self.app.forms[form], deleted=False)

    @property
    def verb(self) -> str:
        return "restore" if self.deleted else "read"

    @property
    def view(self) -> Any:
        return view(self.app, self.actor, self.form.id, self.verb, self.also)

    @property
    def is_open(self) -> bool:
        """Whether the actor may read the form, and its history where he asks about the past."""
        past = self.as_of is None or grants_of(self.app, self.actor, "see_history", self.form.id) != ()
        return past and self.view.grants != ()

    @cached_property
    def names(self) -> Names:
        """The names that exist for the actor."""
        return readable_names(self.app, self.actor, self.also)

    @cached_property
    def facts(self) -> Facts:
        facts = facts_of(self.tx, self.app, self.actor)
        return facts if self.as_of is None else replace(facts, now=self.as_of)

    def wanted(self, names: Sequence[str] | None) -> tuple[Wanted, ...]:
        """The columns asked for; all fields of the record where nothing is said."""
        if names is None:
            return everything(self.form, self.names)
        place = Path(("fields",))
        asked = [resolve(self.app, self.names, self.form.id, each, place) for each in ("id", "version", *names)]
        return tuple({each.key: each for each in asked}.values())

    def relation(self, making: Making) -> Relation:
        """What the actor sees of the form, or saw of it."""
        if self.as_of is not None:
            today = moment_of(facts_of(self.tx, self.app, self.actor))
            return visible_then(self.app, self.actor, self.form.id, making.moment, today, self.tx.dialect, making.notes)
        return visible(
            self.app,
            self.actor,
            self.form.id,
            making.moment,
            self.tx.dialect,
            self.verb,
            self.also,
            self.deleted,
            making.notes,
        )

    def at_once(self) -> Making:
        """For a statement that is not kept: it may read the clock."""
        return Making(moment_of(self.facts))

    def remembered(self, key: tuple[Any, ...], make: Callable[[Making], Any]) -> Any:
        """The statement for this actor on this day, built once; one that reads the clock is built each time."""
        if self.as_of is not None:
            return make(self.at_once())
        who = self.actor
        person = (who.kind, who.member, who.scopes, who.roles_in(self.app.name), self.tx.organisation.epoch)
        whole = (key, self.form.id, self.deleted, person, _also_key(self.also), self.facts.today, self.tx.dialect)
        found = self.app.memory.recall(whole)
        if found is None:
            making = self.at_once()
            found = make(making)
            if CLOCK not in making.notes:
                self.app.memory.keep(whole, found)
        return found

    # --- statements ---

    def one(self, names: Sequence[str] | None) -> Planned:
        """The record of one id."""

        def make(making: Making) -> Planned:
            relation = self.relation(making)
            return self._select(relation.where(relation.source.c.id == RECORD_ID), self.wanted(names))

        key = ("one", None if names is None else tuple(names))
        return self.remembered(key, make)  # type: ignore[no-any-return]

    def some(self, names: Sequence[str] | None) -> Planned:
        """The records of some ids (`ids`)."""

        def make(making: Making) -> Planned:
            relation = self.relation(making)
            return self._select(relation.where(among(relation.source.c.id)), self.wanted(names))

        key = ("some", None if names is None else tuple(names))
        return self.remembered(key, make)  # type: ignore[no-any-return]

    def called(self) -> tuple[sa.Select[Any], Label]:
        """What the labels of some ids are made from."""

        def make(making: Making) -> tuple[sa.Select[Any], Label]:
            relation, label = self.relation(making), Label.of(self.app, self.form)
            relation.where(among(relation.source.c.id))
            return relation.select(label.columns(relation, "@")), label

        return self.remembered(("called",), make)  # type: ignore[no-any-return]

    def page(self, filter: str, sort: str, search: str, names: Sequence[str] | None) -> Planned:
        """A page of a list, in its order; which page, the parameters say."""

        def make(making: Making) -> Planned:
            relation = narrow(self, self.relation(making), filter, search)
            order = order_of(self, relation, sort)
            statement, plan = self._select(relation, self.wanted(names), order)
            ordered = statement.order_by(*[key.ordering for key in order])
            return ordered.limit(PAGE_LIMIT).offset(PAGE_OFFSET), plan

        key = ("page", filter, sort, search, None if names is None else tuple(names))
        return self.remembered(key, make)  # type: ignore[no-any-return]

    def ids(self, filter: str, search: str) -> sa.Select[Any]:
        """The ids of all records that a list would show."""

        def make(making: Making) -> sa.Select[Any]:
            relation = narrow(self, self.relation(making), filter, search)
            return relation.select({"id": relation.column("id")})

        return self.remembered(("ids", filter, search), make)  # type: ignore[no-any-return]

    def counted(self, filter: str, search: str, most: int | None) -> sa.Select[Any]:
        """How many records a list would show, counted no further than asked."""

        def make(making: Making) -> sa.Select[Any]:
            relation = narrow(self, self.relation(making), filter, search)
            matching = relation.select({"id": relation.column("id")})
            return sa.select(sa.func.count()).select_from((matching.limit(most) if most else matching).subquery())

        return self.remembered(("counted", filter, search, most), make)  # type: ignore[no-any-return]

    def rows(self, field: CompiledField) -> Planned:
        """The rows of a subform of some records (`ids`), in their order; whoever sees the field sees its rows.

        Only formulas of what the record may hide are left out.
        """

        def make(making: Making) -> Planned:
            assert field.subform is not None
            record = self.relation(making)
            table, seen = record.reading.table(field.subform), record.view.of_rows(field.id)
            relation = Relation(record.reading, seen, table).where(among(table.c.record))
            wanted = [each for each in everything(field.subform, self.app.names) if each.key in {"id", *seen.masks}]
            statement, plan = self._select(relation, wanted)
            return statement.add_columns(table.c.record).order_by(table.c.record, table.c.position), plan

        return self.remembered(("rows", field.id), make)  # type: ignore[no-any-return]

    def values(self, field: CompiledField) -> sa.Select[Any]:
        """The values of a list field of some records or rows (`ids`), in their order."""
        if self.as_of is not None:
            past = Past(self.app.name, self.as_of, self.tx.dialect)
            holder = past.table(self.app.forms[field.form])
            each = past.values(field, holder)
            joined = holder.join(each.source, each.counts)
            chosen = sa.select(holder.c.id.label("record"), each.value.label("value")).select_from(joined)
            return chosen.where(among(holder.c.id)).order_by(holder.c.id, each.position)

        def make() -> sa.Select[Any]:
            table = field.side_table
            assert table is not None
            chosen = sa.select(table.c.record, table.c.value).where(among(table.c.record))
            return chosen.order_by(table.c.record, table.c.position)

        return self.app.memory.remember(("list", field.id), make)

    # --- parts of statements ---

    def _select(self, relation: Relation, wanted: Sequence[Wanted], order: Order = ()) -> Planned:
        columns: dict[str, Column] = {}
        labels: dict[str, Label] = {}
        flagged = set()
        for each in wanted:
            at = follow(relation, each.path)
            if each.is_many:
                shows = at.shows(each.path[-1]) if len(each.path) == 1 else None
                if shows is not None:
                    flagged.add(each.key)
                    columns[f"?{each.key}"] = sa.case((shows, sa.true()), else_=sa.false())
                continue
            columns[each.key] = at.column(each.path[-1])
            if each.field is not None and each.field.target is not None:
                label = Label.of(self.app, self.app.forms[each.field.target])
                labels[each.key] = label
                columns |= label.columns(at.follow(each.path[-1]), f"@{each.key}")
        columns |= {key.label: key.column for key in order}
        plan = Plan(tuple(wanted), labels, frozenset(flagged), order)
        return relation.select(columns), plan


def _also_key(also: tuple[Grant, ...]) -> Any:
    return tuple((each.form, each.verbs, each.fields, each.records) for each in also)
