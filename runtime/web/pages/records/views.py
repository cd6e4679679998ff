"""One record as a form: which fields stand where, as inputs or as text, with the problems of the last attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from engines.compiled import CompiledField, CompiledForm
from engines.computed.sources import shown_in_rows
from metadata.problems import Problem, Refusal
from metadata.text import say
from runtime.flows.task_access import Lock
from runtime.web.pages.fields.drawing import PLACE, Drawing
from runtime.web.pages.fields.posted import Posted, Row
from runtime.web.pages.fields.views import FieldView, FormView, ProblemView, RowView, SectionView
from runtime.web.pages.records.live_form import live_state

Values = Mapping[str, Any]
Labels = Mapping[str, Any]


@dataclass(frozen=True)
class RecordForm:
    """What is drawn: the values of a record, what links are called, who may read and write what.

    `posted` and `refusal` are there when a save was refused: what was typed stands before what is stored.
    """

    drawing: Drawing
    form: CompiledForm
    values: Values = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)
    readable: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()
    version: int | None = None
    posted: Posted | None = None
    refusal: Refusal | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    linked: Mapping[str, Any] = field(default_factory=dict)  # what expressions read over its links
    new_rows: Mapping[str, Values] = field(default_factory=dict)  # what a new row of a subform begins with
    opened: frozenset[str] = frozenset()  # read-only fields that a task opens for its holder
    lock: Lock | None = None  # the flow that holds what cannot be changed now
    updating: frozenset[str] = frozenset()  # totals that a job is about to work out
    results_as_text: bool = False  # what the platform works out stands as text among text, not as an output of a form

    # --- the whole ---

    def view(self) -> FormView:
        """The record as a page shows it."""
        return FormView(self._sections(self.shown, self._has_a_place))

    def inputs(self) -> FormView:
        """The record as a form to fill in."""
        known = self.readable | self.editable
        is_new = self.version is None
        state = live_state(self.drawing, self.form, self.values, known, self.user, self.linked, is_new)
        return FormView(self._sections(self.input, lambda each: True), self.problems(), self.version, state)

    def _has_a_place(self, field: CompiledField) -> bool:
        """A field that shows under a condition has no place on the page while it is empty."""
        return field.visible_if is None or self.values.get(field.id) not in (None, "", (), [], False)

    def _sections(self, draw: Any, wanted: Any) -> list[SectionView]:
        """The sections that the author made, then what is left; a subform gets a section of its own."""
        definition = next((each for each in self.drawing.app.definition.forms if each.key == self.form.id), None)
        left = {each.name: each for each in self.form.fields.values() if self._exists(each) and wanted(each)}
        sections: list[SectionView] = []
        for index, section in enumerate(definition.sections if definition else ()):
            fields = [left.pop(name) for name in section.fields if name in left]
            sections += self._section(f"section-{index}", self.drawing.say(section.title), fields, draw)
        sections += self._section(
            "section-rest", self.drawing.word("More") if sections else "", list(left.values()), draw
        )
        return sections

    def _section(self, id: str, title: str, fields: Sequence[CompiledField], draw: Any) -> list[SectionView]:
        parts: list[list[CompiledField]] = [[]]
        for each in fields:
            if each.subform is not None and (parts[-1] and not title):
                parts.append([])
            parts[-1].append(each)
            if each.subform is not None and not title:
                parts.append([])
        made = []
        for index, part in enumerate(each for each in parts if each):
            alone = len(part) == 1 and part[0].subform is not None
            head = self.drawing.title(part[0]) if alone and not title else title
            views = [draw(each) for each in part]
            if alone and head:
                views = [replace(views[0], label_hidden=True)]  # the heading says it already
            made.append(SectionView(f"{id}-{index}", head, views))
        return made

    def _exists(self, field: CompiledField) -> bool:
        return field.id in self.readable or field.id in self.editable

    def may_edit(self, field: CompiledField) -> bool:
        free = not field.read_only or field.id in self.opened
        return field.id in self.editable and free and not field.is_derived

    @cached_property
    def is_changeable(self) -> bool:
        """Whether there is anything to save."""
        return any(self.may_edit(each) for each in self.form.fields.values())

    # --- one field ---

    def shown(self, field: CompiledField) -> FieldView:
        """A field as text."""
        more = self._rows(field, editing=False) if field.subform is not None else {}
        late = field.id in self.updating
        return self.drawing.view(field, self.values.get(field.id), self.labels.get(field.id), updating=late, **more)

    def input(self, field: CompiledField) -> FieldView:
        """A field as an input, or as text where it may not be written."""
        as_text = self.results_as_text or not self.is_changeable
        if not self.may_edit(field) and (as_text or not field.is_derived):
            return self.shown(field)
        more = self._rows(field, editing=True) if field.subform is not None else {}
        value, label = self.values.get(field.id), self.labels.get(field.id)
        posted = self.posted.texts.get(field.name) if self.posted and self.may_edit(field) else None
        return self.drawing.edit(
            field, value, label, posted, error=self._error(field.name), search=self.search(field), **more
        )

    def search(self, field: CompiledField) -> str:
        """Where a combobox looks for what may be chosen."""
        type = field.type.element
        if type.name == "link":
            target = self.drawing.app.forms.get(type.form or "")
            return f"/pick/{self.drawing.app.name}/{target.name}" if target else ""
        return {"member": "/pick/members", "department": "/pick/departments"}.get(type.name, "")

    # --- subforms ---

    def _rows(self, field: CompiledField, editing: bool) -> dict[str, Any]:
        subform = field.subform
        assert subform is not None
        rows = self.values.get(field.id) or ()
        drawn = [self._row(field, str(row.get("id") or index), row, None, editing) for index, row in enumerate(rows)]
        if editing and self.posted and self.may_edit(field) and field.name in self.posted.rows:
            drawn = self._posted_rows(field, rows)
        blank = self._row(field, PLACE, self.new_rows.get(field.id, {}), None, editing) if editing else None
        shown = self._shown_in_rows(field)
        columns = [each for each in self.drawing.columns(subform, rows) if each.field in shown]
        return {"columns": columns, "rows": drawn, "blank": blank}

    def _shown_in_rows(self, field: CompiledField) -> tuple[str, ...]:
        return shown_in_rows(self.form, field, self.readable | self.editable)

    def _posted_rows(self, field: CompiledField, rows: Sequence[Values]) -> list[RowView]:
        """The rows as they were posted, new ones too: on a refusal the server must say them back."""
        assert self.posted is not None
        posted = zip(self.posted.rows[field.name], rows, strict=True)
        return [self._row(field, row.token, values, row, True, at) for at, (row, values) in enumerate(posted)]

    def _row(
        self, field: CompiledField, token: str, row: Values, posted: Row | None, editing: bool, at: int | None = None
    ) -> RowView:
        subform = field.subform
        assert subform is not None
        labels: Labels = row.get("labels", {})
        cells = []
        for each in (subform.fields[id] for id in self._shown_in_rows(field)):
            value, label = row.get(each.id), labels.get(each.id)
            if not editing or (each.read_only and not each.is_derived):
                cells.append(self.drawing.view(each, value, label))
                continue
            texts = posted.texts.get(each.name) if posted else None
            error = self._error(field.name, at, each.name) if at is not None else ""
            cells.append(self.drawing.edit(each, value, label, texts, error=error, search=self.search(each)))
        record = posted.record if posted else str(row.get("id") or "")
        return self.drawing.row(field, token, record, cells)

    # --- problems ---

    def problems(self) -> list[ProblemView]:
        """All problems of the refusal, linked to their controls."""
        language = self.drawing.language
        found = self.refusal.problems if self.refusal else ()
        views = [ProblemView(self._said(p), say(p.hint, language), self._anchor(p)) for p in found]
        if self.refusal and not views:
            views = [ProblemView(say(self.refusal.detail, language))]
        return views

    def _said(self, problem: Problem) -> str:
        """The message of a problem, with the field that it is about named before it."""
        message, place = say(problem.message, self.drawing.language), _place(problem)
        field = self.form.field(str(place[0])) if place else None
        if field is None:
            return message
        names = [self.drawing.title(field)]
        if len(place) == 3 and field.subform is not None and isinstance(place[1], int):
            column = field.subform.field(str(place[2]))
            names += [str(place[1] + 1), self.drawing.title(column) if column else str(place[2])]
        colon = "：" if self.drawing.language == "zh" else ": "
        return message if names[-1] in message else f"{' · '.join(names)}{colon}{message}"

    def _anchor(self, problem: Problem) -> str:
        place = _place(problem)
        if not place or self.form.field(str(place[0])) is None:
            return ""
        name = str(place[0])
        if len(place) == 3 and self.posted and name in self.posted.rows:
            rows = self.posted.rows[name]
            if isinstance(place[1], int) and place[1] < len(rows):
                return f"fld-{name}-{rows[place[1]].token}-{place[2]}"
        return f"fld-{name}"

    def _error(self, *place: str | int | None) -> str:
        for problem in self.refusal.problems if self.refusal else ():
            if _place(problem) == place:
                return say(problem.message, self.drawing.language)
        return ""


def _place(problem: Problem) -> tuple[Any, ...]:
    parts = problem.path.parts
    return tuple(parts[1:]) if parts[:1] == ("values",) else tuple(parts)
