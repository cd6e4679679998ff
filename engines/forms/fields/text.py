"""A line of text."""

from typing import Any

from pydantic import Field

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.pictures import Picture, match_picture
from engines.forms.texts import MOST_TEXT, read_text
from metadata import registry
from metadata.value_types import TEXT, ValueType


class Text(FieldType):
    """A line of text: trimmed, at most 500 characters, on request of a given shape."""

    name = "text"
    title = {"en": "Text", "zh": "单行文本"}
    icon = "typography"
    widget = "text"
    look = FieldLook(column="large")
    is_searched = True

    class Options(registry.Options):
        max_length: int = Field(default=MOST_TEXT, ge=1, le=MOST_TEXT)
        min_length: int = Field(default=0, ge=0, le=MOST_TEXT)
        pattern: Picture | None = None

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        text = read_text(raw, field.options.max_length, field.options.min_length)
        if text is not None and field.options.pattern:
            match_picture(text, field.options.pattern)
        return text
