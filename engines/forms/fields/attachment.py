"""Files on a record."""

from typing import Annotated, Any

from pydantic import Field

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.lists import read_list
from engines.forms.texts import read_text
from engines.values import ValueProblem
from metadata import registry
from metadata.value_types import TEXT, ValueType, list_of

MOST_FILES = 50

Extension = Annotated[str, Field(pattern=r"^[a-z0-9]{1,10}$")]


class Attachment(FieldType):
    """Uploaded files, by their ids. `accept` lists the endings that are welcome, such as pdf."""

    name = "attachment"
    title = {"en": "Attachment", "zh": "附件"}
    icon = "paperclip"
    widget = "attachment"
    look = FieldLook(width=6, listed=False)
    storage = "list"
    holds_files = True

    class Options(registry.Options):
        max_files: int = Field(default=20, ge=1, le=MOST_FILES)
        accept: tuple[Extension, ...] = ()

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return list_of(TEXT)

    def parse(self, raw: Any, field: CompiledField) -> tuple[str, ...]:
        return read_list(raw, _read_file_id, field.options.max_files)


def _read_file_id(raw: Any) -> str | None:
    text = read_text(raw, 64)
    if text is not None and not (text.isascii() and text.isdigit()):
        message = {"en": f"“{text[:40]}” is not the id of a file", "zh": f"“{text[:40]}”不是有效的文件 id"}
        hint = {"en": "Upload the file first", "zh": "请先上传文件"}
        raise ValueProblem("bad_file", message, hint)
    return text
