"""Text of several lines."""

from typing import Any

from pydantic import Field

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.texts import MOST_LONG_TEXT, read_text
from metadata import registry
from metadata.value_types import TEXT, ValueType


class LongText(FieldType):
    """Text of several lines, at most 20,000 characters."""

    name = "long_text"
    title = {"en": "Long text", "zh": "多行文本"}
    icon = "file-text"
    widget = "long_text"
    look = FieldLook(width=8, column="large", listed=False)
    is_searched = True

    class Options(registry.Options):
        max_length: int = Field(default=MOST_LONG_TEXT, ge=1, le=MOST_LONG_TEXT)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        return read_text(raw, field.options.max_length, lines=True)
