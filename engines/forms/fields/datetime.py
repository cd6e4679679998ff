"""A moment: kept in UTC, shown in the reader's time zone."""

from datetime import datetime
from typing import Any

from engines.compiled import CompiledField
from engines.forms.context import FormContext
from engines.forms.dates import read_moment
from engines.forms.field_type import FieldType
from metadata.value_types import DATETIME, ValueType


class DateTime(FieldType):
    """A day with a time of day."""

    name = "datetime"
    title = {"en": "Date and time", "zh": "日期时间"}
    icon = "calendar-clock"
    widget = "datetime"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return DATETIME

    def parse(self, raw: Any, field: CompiledField) -> datetime | None:
        return read_moment(raw)
