"""The state of a list, which is its address: view, search, filter, order, columns, page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from engines.access import readable_names
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions.words import say_expression
from engines.json_values import id_in
from engines.organisation import Department, Person
from engines.system_fields import SYSTEM_FIELDS
from engines.titles import ME, titles_of
from metadata.expressions import Expression
from metadata.forms import ViewDefinition
from metadata.problems import ROOT, Invalid, NotFound, Refusal
from runtime.reading import labels_of
from runtime.reading.narrowing import checked, understood
from runtime.reading.question import Question
from runtime.reading.shown_columns import Label, Wanted, resolve
from runtime.transaction import Tx
from runtime.web.incoming import number_in
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.looks import system_field
from runtime.web.pages.lists.filter_text import Filter, read_filter
from runtime.web.pages.lists.filters import Builder

SIZE = 30
SOME_COLUMNS = 7
NOT_IN_LISTS = ("rows",)
SHOWN_SYSTEM_FIELDS = ("owner", "department", "created_at", "updated_at")


@dataclass(frozen=True)
class Listing:
    """What somebody asked a form's list for."""

    tx: Tx
    app: CompiledApp
    form: CompiledForm
    drawing: Drawing
    query: QueryParams

    @property
    def path(self) -> str:
        return f"/apps/{self.app.name}/forms/{self.form.name}"

    @cached_property
    def question(self) -> Question:
        return Question.of(self.tx, self.app, self.form.id)

    @property
    def search(self) -> str:
        return self.query.get("q", "").strip()[:200]

    @property
    def sort(self) -> str:
        return self.query.get("sort", "")

    @property
    def page(self) -> int:
        number = number_in(self.query.get("page", "1")) or 1
        return number if number < 10_000 else 1

    # --- views: the saved lists of the definition ---

    @cached_property
    def views(self) -> list[ViewDefinition]:
        held = {self.app.role_names.get(role) for role in self.tx.actor.roles_in(self.app.name)}
        mine = [each for each in self.app.definition.views if each.form == self.form.name]
        return [each for each in mine if not each.roles or held & set(each.roles)]

    @cached_property
    def view(self) -> ViewDefinition | None:
        return next((each for each in self.views if each.name == self.query.get("view")), None)

    # --- fields ---

    @cached_property
    def fields(self) -> dict[str, CompiledField]:
        """The fields that exist for this person, by name: those of the form, then those of the platform."""
        known = readable_names(self.app, self.tx.actor).fields(self.form.id)
        own = {each.name: each for each in self.form.fields.values() if each.name in known}
        system = {
            name: system_field(name, known[name].type, self.drawing.language)
            for name in SYSTEM_FIELDS
            if name in known and name in SHOWN_SYSTEM_FIELDS
        }
        return {name: each for name, each in (own | system).items() if each.type.name not in NOT_IN_LISTS}

    def field_of(self, wanted: Wanted) -> CompiledField:
        """A column as something to draw; what a link leads to is drawn as it is there."""
        return wanted.field or system_field(wanted.name.split(".")[-1], wanted.type, self.drawing.language)

    @cached_property
    def columns(self) -> list[Wanted]:
        chosen = [wanted for name in self.query.getlist("column") if (wanted := self._resolve(name)) is not None]
        return chosen or self.own_columns

    @cached_property
    def own_columns(self) -> list[Wanted]:
        """The columns where nobody chose any: those of the view, of the form, or some."""
        written = self.view.columns if self.view and self.view.columns else self._definition.columns
        found = [wanted for each in written if (wanted := self._resolve(each.field)) is not None]
        return found or [wanted for name in self._some() if (wanted := self._resolve(name)) is not None]

    @property
    def _definition(self) -> Any:
        return next(each for each in self.app.definition.forms if each.key == self.form.id)

    def _some(self) -> list[str]:
        plain = [name for name, each in self.fields.items() if each.kind.look_of(each.options).listed]
        return [*[name for name in plain if name not in SYSTEM_FIELDS][:SOME_COLUMNS], "owner"]

    def _resolve(self, name: str) -> Wanted | None:
        try:
            return resolve(self.app, self.question.names, self.form.id, name, ROOT)
        except Invalid:
            return None

    # --- the question ---

    @cached_property
    def builder(self) -> Builder:
        return Builder(self.fields, self._link_path, self.drawing.is_percent)

    @cached_property
    def narrowed(self) -> Filter:
        """The filter of the address, as rows and text."""
        return read_filter(self.query, self.builder, partial(understood, self.question))

    @cached_property
    def expression(self) -> str:
        """What the reader narrowed the list by."""
        return self.narrowed.expression(self.builder)

    @property
    def filter(self) -> str:
        """What holds for every record shown; a typed text must hold together by itself."""
        if self.narrowed.text:
            checked(self.question, self.narrowed.text)
        parts = [each for each in (self.view.where if self.view else None, self.expression) if each]
        return " and ".join(f"({each})" for each in parts) if len(parts) > 1 else "".join(parts)

    @cached_property
    def said(self) -> str:
        """The same in words; empty where it does not hold together."""
        try:
            expression = checked(self.question, self.expression) if self.expression else None
        except Refusal:
            return ""
        titles = replace(titles_of(self.app, ME), labels=self._names_of(expression))
        return say_expression(expression, titles, self.drawing.language) if expression is not None else ""

    @cached_property
    def labels(self) -> dict[tuple[str, int], str]:
        """What the records are called that rows name, by form and id."""
        wanted: dict[str, set[int]] = {}
        for each in self.narrowed.conditions:
            field = self.fields.get(each.field)
            type = (field.type.of or field.type) if field is not None else None
            if type is not None and type.form is not None and type.name == "link":
                wanted.setdefault(type.form, set()).update(id for value in each.values if (id := id_in(value)))
        return {(form, id): label for form, ids in wanted.items() for id, label in self._called(form, ids).items()}

    @property
    def order(self) -> str:
        if self.sort or self.view is None:
            return self.sort
        return ",".join(("-" if each.descending else "") + each.field for each in self.view.sort)

    def _called(self, form: str, ids: Iterable[int]) -> Mapping[int, str]:
        """The labels of records, as far as the reader sees them."""
        try:
            return labels_of(self.tx, self.app, form, sorted(ids))
        except NotFound:
            return {}

    def _names_of(self, expression: Expression | None) -> dict[tuple[str, int], str]:
        """What the people, departments and records are called that an expression names by their ids."""
        named = [node for node in expression.root.walk() if node.is_constant] if expression is not None else []
        organisation = self.tx.organisation
        directories: dict[str, Mapping[int, Person | Department]] = {
            "member": organisation.people,
            "department": organisation.departments,
        }
        links: dict[str, set[int]] = {}
        found: dict[tuple[str, int], str] = {}
        for node in (each for each in named if each.type.is_reference and each.value is not None):
            directory = directories.get(node.type.name, {})
            if node.value in directory:
                found[node.type.name, node.value] = directory[node.value].name
            elif node.type.form is not None:
                links.setdefault(node.type.form, set()).add(node.value)
        for form, ids in links.items():
            found.update({("link", id): label for id, label in self._called(form, ids).items()})
        return found

    def _link_path(self, field: CompiledField) -> str:
        """The text by which the records of a link are called: customer.name."""
        target = self.app.forms.get(field.target or (field.type.form or ""))
        if target is None:
            return field.name
        plain = Label.of(self.app, target).plain
        text = target.fields.get(plain) if plain else None
        text = text or next((each for each in target.fields.values() if each.type.name == "text"), None)
        return f"{field.name}.{text.name}" if text else field.name

    # --- addresses ---

    def address(self, **changes: Any) -> str:
        """The same list with something changed; a change to None takes it out."""
        kept = [(name, value) for name, value in self._kept() if name not in changes and name != "page"]
        new = [(name, str(value)) for name, value in changes.items() if value is not None]
        both = [(name, value) for name, value in [*kept, *new] if value]
        return f"{self.path}?{urlencode(both)}" if both else self.path

    def canonical(self) -> str:
        """The shortest address of what is shown: nothing empty, nothing that holds anyway."""
        own = {each.name for each in self.own_columns}
        chosen = set(self.query.getlist("column"))
        kept = [(name, value) for name, value in self._kept() if name != "column" or chosen != own]
        kept = [(name, value) for name, value in kept if (name, value) != ("page", "1")]
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def _kept(self) -> list[tuple[str, str]]:
        """The parts of the address, with the filter as its one expression."""
        rows = re.compile(r"f\.|(match|filter)$")
        kept = [(name, value) for name, value in self.query.multi_items() if value and not rows.match(name)]
        return [*kept, ("filter", self.expression)] if self.expression else kept

    def cleared(self) -> str:
        """The list without search and filter."""
        kept = [(name, value) for name, value in self.query.multi_items() if name in ("view", "sort", "column")]
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def sort_address(self, wanted: Wanted) -> str:
        current = self.order
        if current == wanted.name:
            return self.address(sort=f"-{wanted.name}")
        if current == f"-{wanted.name}":
            return self.address(sort=wanted.name)
        return self.address(sort=f"-{wanted.name}" if wanted.type.name == "number" else wanted.name)

    def sorted_by(self, wanted: Wanted) -> str:
        current: Sequence[str] = self.order.split(",")
        if wanted.name in current:
            return "ascending"
        return "descending" if f"-{wanted.name}" in current else ""
