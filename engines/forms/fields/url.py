"""A web address, or one that opens the mail or telephone program."""

import re
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.texts import read_text
from engines.values import ValueProblem
from metadata.value_types import TEXT, ValueType

_web = re.compile(r"https?://[^\s/?#@\\<>\"]+([/?#][^\s<>\"\\]*)?\Z", re.IGNORECASE)
_other = re.compile(r"(mailto:[^\s<>\"\\]+@[^\s<>\"\\]+|tel:\+?[0-9 ().-]{3,30})\Z", re.IGNORECASE)


class Url(FieldType):
    """A link to somewhere: http, https, mailto or tel, and nothing that could run."""

    name = "url"
    title = {"en": "Web address", "zh": "网址"}
    icon = "world"
    widget = "url"
    look = FieldLook(listed=False)
    is_searched = True

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        text = read_text(raw, 2_000)
        if text is None or _web.match(text) or _other.match(text):
            return text
        message = {"en": f"“{text[:60]}” is not a web address", "zh": f"“{text[:60]}”不是有效的网址"}
        hint = {
            "en": "It begins with https://, http://, mailto: or tel:",
            "zh": "请以 https://、http://、mailto: 或 tel：开头",
        }
        raise ValueProblem("bad_url", message, hint)
