"""An e-mail address."""

import re
from typing import Any

from engines.compiled import CompiledField
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.texts import read_text
from engines.values import ValueProblem
from metadata.value_types import TEXT, ValueType

_address = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]\Z")


class Email(FieldType):
    """One e-mail address; the part behind the @ is kept in small letters."""

    name = "email"
    title = {"en": "E-mail", "zh": "邮箱"}
    icon = "mail"
    widget = "email"
    is_searched = True

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        text = read_text(raw, 254)
        if text is None:
            return None
        if not _address.match(text) or ".." in text:
            message = {"en": f"“{text[:60]}” is not an e-mail address", "zh": f"“{text[:60]}”不是有效的邮箱地址"}
            raise ValueProblem("bad_email", message, {"en": "As in ann@example.com", "zh": "例如 ann@example.com"})
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"
