"""One choice of a list; marked as `stage`, the state of the record, whose history is kept."""

from collections.abc import Iterator
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.choices import Choices, doubled_choices, read_choice
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from metadata import registry
from metadata.problems import Problem
from metadata.value_types import TEXT, ValueType


class Select(FieldType):
    """One of the options. The value of an option is its id; people see its title and colour."""

    name = "select"
    title = {"en": "Choice", "zh": "下拉选择"}
    icon = "list"
    widget = "select"
    look = FieldLook(width=3)

    class Options(registry.Options):
        options: Choices
        stage: bool = False

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        return read_choice(raw, field)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from doubled_choices(definition.options)
