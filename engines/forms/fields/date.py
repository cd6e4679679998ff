"""A calendar day, without time and without zone."""

from datetime import date
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.dates import read_date
from engines.forms.field_type import FieldType
from metadata.value_types import DATE, ValueType


class Date(FieldType):
    """A calendar day; the same day wherever it is read."""

    name = "date"
    title = {"en": "Date", "zh": "日期"}
    icon = "calendar"
    widget = "date"
    look = FieldLook(tells=True)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return DATE

    def parse(self, raw: Any, field: CompiledField) -> date | None:
        return read_date(raw)
