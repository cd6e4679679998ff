"""Several choices of a list."""

from collections.abc import Iterator
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.choices import Choices, doubled_choices, read_choice
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.lists import read_list
from metadata import registry
from metadata.problems import Problem
from metadata.value_types import TEXT, ValueType, list_of


class MultiSelect(FieldType):
    """Any number of the options, each at most once, in the order in which they were chosen."""

    name = "multi_select"
    title = {"en": "Several choices", "zh": "多选"}
    icon = "list-check"
    widget = "multi_select"
    look = FieldLook(width=12)
    storage = "list"

    class Options(registry.Options):
        options: Choices

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return list_of(TEXT)

    def parse(self, raw: Any, field: CompiledField) -> tuple[str, ...]:
        return read_list(raw, lambda each: read_choice(each, field))

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from doubled_choices(definition.options)
