"""How values are said to one reader: numbers with their marks, moments on his clock, people and links by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engines.compiled import CompiledApp, CompiledField
from engines.field_look import FieldLook
from engines.organisation import Organisation
from metadata.text import say
from metadata.value_types import ValueType
from runtime.web import formats
from runtime.web.pages.fields.looks import is_passed_on, tone, widget_of
from runtime.web.pages.fields.views import Choice, Reference
from runtime.web.wording import translations


@dataclass(frozen=True)
class Values:
    """What is needed to say the values of one app to one reader: his language, the people, the names of files."""

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

    def like(self, field: CompiledField) -> CompiledField:
        """The field whose look another one takes on: a lookup looks like what it shows, a total like its amounts."""
        source = None
        if field.rollup is not None and field.rollup.value and field.rollup.function not in ("count", "distinct"):
            source = field.rollup.value
        elif is_passed_on(field):
            source = max(field.expression.reads, key=len)[-1] if field.expression is not None else None
        found = self.fields.get(source or "")
        return found if found is not None and found.type.name == field.type.name and found.id != field.id else field

    def title(self, field: CompiledField) -> str:
        return self.say(field.title) or field.name

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
            return self.word(", ").join(titles.get(each.id, each.label) for each in references)
        return next((each.title for each in self.choices(field) if each.value == value), str(value))

    def choices(self, field: CompiledField) -> list[Choice]:
        """The options of a select, in order, with the tones of their tags."""
        field = self.like(field)
        options = getattr(field.options, "options", None) or ()
        return [
            Choice(o.value, self.say(o.title) or o.value, o.colour or tone(field, i)) for i, o in enumerate(options)
        ]

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
            return Reference(str(value), label or self.word("not shown to you"), href)
        if widget == "attachment":
            return self.files.get(str(value), Reference(str(value), str(value)))
        return Reference(str(value), str(value))
