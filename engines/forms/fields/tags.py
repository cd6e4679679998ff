"""Free words on a record, written by people and rules."""

from typing import Annotated, Any

from pydantic import Field

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.lists import read_list
from engines.forms.texts import read_text
from metadata import registry
from metadata.value_types import TEXT, ValueType, list_of

MOST_TAGS = 100
LONGEST_TAG = 100

Suggestion = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]


class Tags(FieldType):
    """Any words, each once; the suggestions are offered, others are welcome."""

    name = "tags"
    title = {"en": "Tags", "zh": "标签"}
    icon = "tags"
    widget = "tags"
    look = FieldLook(listed=False)
    storage = "list"

    class Options(registry.Options):
        suggestions: tuple[Suggestion, ...] = Field(default=(), max_length=500)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return list_of(TEXT)

    def parse(self, raw: Any, field: CompiledField) -> tuple[str, ...]:
        return read_list(raw, lambda each: read_text(each, LONGEST_TAG), MOST_TAGS)
