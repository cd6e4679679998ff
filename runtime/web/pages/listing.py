"""The state of a list, which is its address: view, search, filter, order, columns, page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from engines.access import readable_names
from engines.compiled import SYSTEM_FIELDS, CompiledApp, CompiledField, CompiledForm
from metadata.forms import ViewDefinition
from metadata.problems import ROOT, Invalid
from runtime.question import Question
from runtime.shown_columns import Label, Wanted, resolve
from runtime.transaction import Tx
from runtime.web.incoming import number_in
from runtime.web.pages import filters
from runtime.web.pages.fields import Drawing, system_field
from runtime.web.pages.filters import Condition, People

SIZE = 30
SOME_COLUMNS = 7
NOT_IN_LISTS = ("rows",)
NOT_BY_DEFAULT = ("long_text", "attachment", "tags", "url")
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

    @property
    def match(self) -> str:
        return "any" if self.query.get("match") == "any" else "all"

    @cached_property
    def conditions(self) -> list[Condition]:
        return filters.read_conditions(self.query)

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
        plain = [name for name, each in self.fields.items() if each.kind.name not in NOT_BY_DEFAULT]
        return [*[name for name in plain if name not in SYSTEM_FIELDS][:SOME_COLUMNS], "owner"]

    def _resolve(self, name: str) -> Wanted | None:
        try:
            return resolve(self.app, self.question.names, self.form.id, name, ROOT)
        except Invalid:
            return None

    # --- the question ---

    @cached_property
    def builder_expression(self) -> str:
        return filters.expression(self.conditions, self.match, self.fields, self._link_path, self._people())

    @property
    def filter(self) -> str:
        parts = [each for each in (self.view.where if self.view else None, self.builder_expression) if each]
        return " and ".join(f"({each})" for each in parts) if len(parts) > 1 else "".join(parts)

    @property
    def order(self) -> str:
        if self.sort or self.view is None:
            return self.sort
        return ",".join(("-" if each.descending else "") + each.field for each in self.view.sort)

    def _people(self) -> People:
        people = self.tx.organisation
        return People(
            {str(each.id): each.email for each in people.people.values()},
            {str(each.id): each.name for each in people.departments.values()},
        )

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
        kept = [(name, value) for name, value in self.query.multi_items() if name not in changes and name != "page"]
        new = [(name, str(value)) for name, value in changes.items() if value is not None]
        both = [(name, value) for name, value in [*kept, *new] if value]
        return f"{self.path}?{urlencode(both)}" if both else self.path

    def canonical(self) -> str:
        """The shortest address of what is shown: nothing empty, nothing that holds anyway."""
        own = {each.name for each in self.own_columns}
        chosen = set(self.query.getlist("column"))
        kept = [
            (name, value) for name, value in self.query.multi_items() if value and (name, value) != ("match", "all")
        ]
        kept = [(name, value) for name, value in kept if name != "column" or chosen != own]
        kept = [(name, value) for name, value in kept if (name, value) != ("page", "1")]
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

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
