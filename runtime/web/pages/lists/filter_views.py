"""How the rows of the filter builder are drawn: the comparisons of a field, and the inputs of its values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engines.compiled import CompiledField
from engines.json_values import id_in
from metadata.value_types import ValueType
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.views import Choice, FieldView, Reference
from runtime.web.pages.lists.filters import (
    ME,
    MINE,
    OPERATORS,
    PLACES,
    WITHOUT_VALUE,
    Builder,
    Condition,
    operator_of,
    sort_of,
)

Labels = Mapping[tuple[str, int], str]
WIDGETS = {"choice": "multi_select", "choices": "multi_select", "number": "number", "date": "date"}


@dataclass(frozen=True)
class ConditionView:
    """One row as it is drawn: the comparisons that go with its field, the input of its value and of a far end."""

    key: str
    field: str
    operator: str
    operators: Sequence[Choice]
    input: FieldView | None
    to: FieldView | None = None


@dataclass(frozen=True)
class Rows:
    """What is needed to draw rows: the builder, the reader's language, and what the chosen records are called."""

    builder: Builder
    drawing: Drawing
    labels: Labels

    def view(self, condition: Condition) -> ConditionView:
        """A row as it is drawn."""
        field = self.builder.fields[condition.field]
        operator = operator_of(condition, field)
        said = OPERATORS[sort_of(field)]
        choices = [Choice(name, self.drawing.say(title)) for name, title in said.items()]
        view = ConditionView(condition.key, condition.field, operator, choices, None)
        if operator in WITHOUT_VALUE:
            return view
        if operator == "between":
            first, last = self._input(condition, field, operator), self._far_end(condition, field)
            return replace(view, input=replace(first, label=self.drawing.word("Range from")), to=last)
        return replace(view, input=self._input(condition, field, operator))

    def _input(self, condition: Condition, field: CompiledField, operator: str) -> FieldView:
        sort = "text" if operator == "contains" else sort_of(field)
        values = [each for each in condition.values if self.builder.literals(field, operator, (each,)) or _is_own(each)]
        view = FieldView(
            field=field.id,
            name=field.name,
            label=self.drawing.word("Value"),
            widget=WIDGETS.get(sort, "text"),
            kind=field.type.name,
            id=f"filter-{condition.key}-value",
            post=f"f.{condition.key}.value",
            text=values[0] if values else "",
            value=values,
            in_row=True,
            options=self.drawing.choices(field),
        )
        return self._picker(view, field, values) if sort in PLACES else view

    def _far_end(self, condition: Condition, field: CompiledField) -> FieldView:
        view = self._input(replace(condition, values=(condition.to,)), field, "between")
        return replace(view, label=self.drawing.word("Range to"), id=f"{view.id}-to", post=f"f.{condition.key}.to")

    def _picker(self, view: FieldView, field: CompiledField, values: Sequence[str]) -> FieldView:
        type = field.type.of or field.type
        chosen = [self._reference(type, each) for each in values]
        return replace(view, widget=type.name, many=True, value=chosen, search=self._search(field, type))

    def _reference(self, type: ValueType, value: str) -> Reference:
        if value in (ME, MINE):
            return Reference(value, own_label(self.drawing, value))
        id = id_in(value) or 0
        label = self.labels.get((type.form or type.name, id))
        return (self.drawing.references(type, id, label) or [Reference(value, value)])[0]

    def _search(self, field: CompiledField, type: ValueType) -> str:
        if type.name == "link":
            form = self.drawing.app.forms.get(type.form or "")
            return f"/pick/{self.drawing.app.name}/{form.name}" if form is not None else ""
        if type.name == "department":
            return "/pick/departments" + ("?own=1" if field.type.name == "department" else "")
        return "/pick/members?own=1"


def own_label(drawing: Drawing, value: str) -> str:
    """What stands for oneself among the values."""
    return drawing.word("Myself") if value == ME else drawing.word("My departments and those below")


def _is_own(value: str) -> bool:
    return value in (ME, MINE)
