"""A number that the platform gives: HT202603-0001."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.numbering import pattern_problems
from metadata import registry
from metadata.problems import Problem
from metadata.value_types import TEXT, ValueType


class AutoNumber(FieldType):
    """A running number in a pattern: {YYYY} {YY} {MM} {DD} the day, {0000} the counter, {field:name} a field.

    The counter starts again with each year, month or day that the pattern names; `reset` says otherwise. Numbers are
    never given twice; a save that is refused leaves no gap, a deleted record does.
    """

    name = "auto_number"
    title = {"en": "Automatic number", "zh": "自动编号"}
    icon = "hash"
    widget = "auto_number"
    look = FieldLook(width=3)
    is_searched = True
    storage = "number"

    class Options(registry.Options):
        pattern: str = Field(default="{0000}", min_length=1, max_length=100)
        reset: Literal["never", "year", "month", "day"] | None = None

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from pattern_problems(definition.pattern, context)
