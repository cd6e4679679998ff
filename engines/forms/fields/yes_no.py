"""Yes or no; blank is no."""

from typing import Any

from engines.compiled import CompiledField
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.texts import wrong_type
from metadata.value_types import YES_NO, ValueType


class YesNo(FieldType):
    """A switch. There is no third state: what nobody answered is no."""

    name = "yes_no"
    title = {"en": "Yes/no", "zh": "是/否"}
    icon = "toggle-right"
    widget = "yes_no"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return YES_NO

    def parse(self, raw: Any, field: CompiledField) -> bool:
        if raw is None:
            return False
        if not isinstance(raw, bool):
            raise wrong_type(raw, {"en": "true or false", "zh": "是或否（true/false）"})
        return raw
