"""From compiled fields and values to what templates draw: how each value type is shown and typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engines.compiled import CompiledApp, CompiledField, CompiledForm, FieldLook
from engines.organisation import Organisation
from engines.system_fields import SYSTEM_TITLES
from metadata.text import say
from metadata.value_types import ValueType
from runtime.web import formats
from runtime.web.pages.fields.views import Choice, ColumnView, FieldView, Reference, RowView
from runtime.web.rendering import TEMPLATES
from runtime.web.wording import translations

PLACE = "__row__"
FEW = 3
WIDTHS = {"full": 12, "half": 6, "third": 4}
COLUMNS = {"list": "large", "datetime": "moment", "yes_no": "small"}
SPANS = {"number": 3, "date": 3, "datetime": 3, "yes_no": 3, "member": 3, "department": 3, "rows": 12}
KEPT_BY_VALUE_TYPE = {
    "text": "text",
    "number": "number",
    "yes_no": "yes_no",
    "date": "date",
    "datetime": "datetime",
    "member": "member",
    "department": "department",
    "link": "link",
    "list": "tags",
    "rows": "subform",
}


@dataclass(frozen=True)
class Drawing:
    """What is needed to draw the fields of one app for one reader: his language, the people, the names of links."""

    app: CompiledApp
    language: str
    organisation: Organisation
    files: Mapping[str, Reference] = field(default_factory=dict)
    today: date | None = None
    viewer: ZoneInfo | None = None  # moments are shown and typed on the reader's clock; without one on the app's

    @property
    def zone(self) -> ZoneInfo:
        return self.viewer or self.app.zone

    def say(self, text: Any) -> str:
        return say(text, self.language)

    def word(self, text: str) -> str:
        return translations(self.language).gettext(text)

    @cached_property
    def definitions(self) -> Mapping[str, Any]:
        """What the author wrote of each field, by the field's id."""
        return {field.key: field for form in self.app.definition.forms for field in form.fields}

    @cached_property
    def fields(self) -> Mapping[str, CompiledField]:
        """Every field of the app by its id; ids are never given twice."""
        return {field.id: field for form in self.app.forms.values() for field in form.fields.values()}

    # --- one field ---

    def like(self, field: CompiledField) -> CompiledField:
        """The field whose look another one takes on: a lookup looks like what it shows, a total like its amounts."""
        source = None
        if field.rollup is not None and field.rollup.value and field.rollup.function not in ("count", "distinct"):
            source = field.rollup.value
        elif _is_passed_on(field):
            source = max(field.expression.reads, key=len)[-1] if field.expression is not None else None
        found = self.fields.get(source or "")
        return found if found is not None and found.type.name == field.type.name and found.id != field.id else field

    def title(self, field: CompiledField) -> str:
        return self.say(field.title) or field.name

    def view(self, field: CompiledField, value: Any, label: Any = None, mode: str = "view", **more: Any) -> FieldView:
        """A field with its value, shown. `label` is what links are called: a text, or several for several."""
        drawn = self._frame(field, mode)
        if _is_passed_on(field) and drawn.options:
            drawn = replace(drawn, widget="select")
        return replace(drawn, **self._content(field, value, label, drawn.widget), **more)

    def edit(
        self, field: CompiledField, value: Any, label: Any = None, posted: Sequence[str] | None = None, **more: Any
    ) -> FieldView:
        """A field with its value as an input; what was posted stands before what is stored."""
        drawn = replace(self._frame(field, "edit"), **self._content(field, value, label, widget_of(field)))
        if posted is not None and drawn.kind in ("text", "number", "date", "datetime") and not drawn.computed:
            drawn = replace(drawn, text=posted[-1] if posted else "")
        return replace(drawn, **more)

    def _frame(self, field: CompiledField, mode: str) -> FieldView:
        options = self.choices(field)
        required = bool(field.required) and mode == "edit"
        widget = widget_of(field)
        few = widget == "select" and required and len(options) <= FEW
        return FieldView(
            field=field.id,
            name=field.name,
            label=self.title(field),
            widget=widget,
            kind=kind_of(field.type),
            mode=mode,
            id=f"fld-{field.name}",
            post=field.name,
            help=self.say(field.help),
            required=required,
            many=field.type.name == "list",
            live=field.expression is not None,
            computed=field.is_derived,
            span=span_of(self.definitions.get(field.id), field, few),
            layout="choices" if few else "",
            prefix=self.prefix(field) if mode == "edit" else "",
            suffix=self.suffix(field) if mode == "edit" else "",
            length=getattr(field.options, "max_length", None),
            options=options,
        )

    def _content(self, field: CompiledField, value: Any, label: Any, widget: str) -> dict[str, Any]:
        match field.type.name:
            case "number":
                return {"value": value, "text": self.typed_number(field, value), "shown": self.shown(field, value)}
            case "date":
                return {"value": value, "text": formats.day(value), "shown": formats.day(value)}
            case "datetime":
                local = value.astimezone(self.zone) if isinstance(value, datetime) else None
                return {"value": local, "text": formats.minute(local), "shown": formats.minute(local)}
            case "yes_no":
                return {"value": bool(value), "text": "true" if value else "", "shown": self._yes_no(value, widget)}
            case "rows":
                return {"value": value or (), "text": ""}
            case _:
                references = self.references(field.type, value, label, widget)
                if references is None:
                    text = str(value) if value is not None else ""
                    return {"value": value or "", "text": text, "shown": self.shown(field, value)}
                shown = ", ".join(each.label for each in references)
                if field.type.name == "list":
                    plain = widget == "multi_select"
                    return {"value": [r.id for r in references] if plain else references, "text": "", "shown": shown}
                one = references[0] if references else None
                return {"value": one, "text": one.label if one else "", "shown": shown}

    def _yes_no(self, value: Any, widget: str) -> str:
        return self.word("Yes") if value else (self.word("No") if widget != "computed" else "")

    def references(self, type: ValueType, value: Any, label: Any = None, widget: str = "") -> list[Reference] | None:
        """The links, people, departments, words or files of a value; None for what is none of these."""
        if type.name == "list" and type.of is not None:
            element, values = type.of, list(value or ())
            labels = list(label) if isinstance(label, tuple | list) else [None] * len(values)
            return [self._reference(element, one, named, widget) for one, named in zip(values, labels, strict=False)]
        if type.is_reference:
            return [] if value is None else [self._reference(type, value, label, widget)]
        return None

    def _reference(self, type: ValueType, value: Any, label: str | None, widget: str) -> Reference:
        if type.name == "member":
            person = self.organisation.people.get(value)
            return Reference(str(value), person.name if person else label or f"#{value}")
        if type.name == "department":
            department = self.organisation.departments.get(value)
            return Reference(str(value), department.name if department else label or f"#{value}")
        if type.name == "link":
            form = self.app.forms.get(type.form or "")
            href = f"/apps/{self.app.name}/forms/{form.name}/{value}" if form and label else ""
            return Reference(str(value), label or "···", href)
        if widget == "attachment":
            return self.files.get(str(value), Reference(str(value), str(value)))
        return Reference(str(value), str(value))

    # --- numbers ---

    def look(self, field: CompiledField) -> FieldLook:
        """How the kind of the field, or of the one that it takes its look from, wants it drawn."""
        like = self.like(field)
        return like.kind.look_of(like.options)

    def is_percent(self, field: CompiledField) -> bool:
        return self.look(field).mark == "percent"

    def is_money(self, field: CompiledField) -> bool:
        return self.look(field).mark == "money"

    def prefix(self, field: CompiledField) -> str:
        if not self.is_money(field):
            return ""
        return formats.sign(getattr(self.like(field).options, "currency", None) or self.app.currency)

    def suffix(self, field: CompiledField) -> str:
        return "%" if self.is_percent(field) else self.say(getattr(field.options, "unit", None))

    def decimals(self, field: CompiledField) -> int:
        return field.decimals if field.decimals is not None else 4

    def typed_number(self, field: CompiledField, value: Any) -> str:
        if not isinstance(value, Decimal | int) or isinstance(value, bool):
            return "" if value is None else str(value)
        return formats.input_number(Decimal(value) * 100 if self.is_percent(field) else Decimal(value))

    def shown(self, field: CompiledField, value: Any, label: Any = None) -> str:
        """A single value as text: what a list, the history and a key fact say."""
        if value is None or value == "":
            return ""
        if field.type.name == "number" and isinstance(value, Decimal | int):
            if self.is_percent(field):
                return formats.percent(Decimal(value), self.decimals(field))
            if self.is_money(field):
                amount = formats.number(value, min(self.decimals(field), 2), fixed=True)
                return f"{self.prefix(field)}{formats.NO_BREAK}{amount}"
            unit = self.suffix(field)
            return formats.number(value, self.decimals(field)) + (f" {unit}" if unit else "")
        if field.type.name == "date":
            return formats.day(value)
        if field.type.name == "datetime":
            return formats.minute(value.astimezone(self.zone))
        if field.type.name == "yes_no":
            return self.word("Yes") if value else self.word("No")
        if field.type.name == "rows":
            return str(len(value))
        references = self.references(field.type, value, label, widget_of(field))
        if references is not None:
            titles = {choice.value: choice.title for choice in self.choices(field)}
            return ", ".join(titles.get(each.id, each.label) for each in references)
        return next((each.title for each in self.choices(field) if each.value == value), str(value))

    def choices(self, field: CompiledField) -> list[Choice]:
        """The options of a select, in order, with the tones of their tags."""
        field = self.like(field)
        options = getattr(field.options, "options", None) or ()
        return [
            Choice(o.value, self.say(o.title) or o.value, o.colour or tone(field, i)) for i, o in enumerate(options)
        ]

    # --- subforms ---

    def columns(self, subform: CompiledForm, rows: Sequence[Mapping[str, Any]]) -> list[ColumnView]:
        """The heads of a subform's grid, with the totals of its numbers."""
        return [self._column(each, rows) for each in subform.fields.values()]

    def _column(self, field: CompiledField, rows: Sequence[Mapping[str, Any]]) -> ColumnView:
        summed = field.type.name == "number" and self.look(field).adds_up
        values = [row[field.id] for row in rows if row.get(field.id) is not None] if summed else []
        return ColumnView(
            field=field.id,
            name=field.name,
            label=self.title(field),
            kind=kind_of(field.type),
            size=size_of(field),
            required=field.required,
            computed=field.is_derived,
            help=self.say(field.help),
            sum=summed,
            total=self.shown(field, sum(values, Decimal(0))) if values else "",
        )

    def row(self, parent: CompiledField, token: str, record: str, cells: Sequence[FieldView]) -> RowView:
        """A row whose cells post under the subform's name and the row's token."""
        placed = [
            replace(
                cell,
                in_row=True,
                id=f"fld-{parent.name}-{token}-{cell.name}",
                post=f"{parent.name}.{token}.{cell.name}",
            )
            for cell in cells
        ]
        return RowView(token, record, placed)


@dataclass(frozen=True)
class SystemKind:
    """Stands for a field kind where the platform itself keeps the field."""

    name: str = "system"
    widget: str = ""

    def look_of(self, options: Any) -> FieldLook:
        return FieldLook()


def system_field(name: str, type: ValueType, language: str) -> CompiledField:
    """A field of the platform (owner, created at, ...) as something to draw."""
    title = say(SYSTEM_TITLES.get(name, name), language)
    return CompiledField(name, name, title, SystemKind(), None, type, read_only=True)  # type: ignore[arg-type]


def widget_of(field: CompiledField) -> str:
    """The widget file of a field's kind; a kind without one is drawn by its value type."""
    wanted = "computed" if field.expression is not None or field.rollup is not None else field.kind.widget
    if wanted in _widgets():
        return wanted
    return KEPT_BY_VALUE_TYPE.get(field.type.name, "text")


@cache
def _widgets() -> frozenset[str]:
    return frozenset(file.stem for file in (TEMPLATES / "widgets").glob("*.html"))


def kind_of(type: ValueType) -> str:
    return type.name if type.name in KEPT_BY_VALUE_TYPE else "text"


def span_of(definition: Any, field: CompiledField, few: bool) -> int:
    """How wide a field stands on the form: as the author says, else by its value type."""
    width = getattr(definition, "width", None)
    if width:
        return WIDTHS[width]
    if few:
        return 6
    return field.kind.look_of(field.options).width or SPANS.get(field.type.name, 6)


def size_of(field: CompiledField) -> str:
    """How wide a column of a subform is."""
    return field.kind.look_of(field.options).column or COLUMNS.get(field.type.name, "medium")


def _is_passed_on(field: CompiledField) -> bool:
    """Whether the field shows nothing but what stands somewhere else, as a lookup does."""
    return field.expression is not None and field.expression.root.kind == "field" and bool(field.expression.reads)


TONES = ("slate", "blue", "purple", "yellow", "orange", "teal", "green", "red")


def tone(field: CompiledField, index: int) -> str:
    """The tone of a stage whose author chose none: the later, the warmer. Other choices stay plain."""
    return TONES[index % len(TONES)] if field.stage else ""
