"""A field of a linked record, shown on this one."""

from typing import Any

from engines.columns import MOST_DECIMALS
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from metadata import registry
from metadata.names import FieldName, FieldThroughLink
from metadata.value_types import ValueType


class Lookup(FieldType):
    """What stands in a field of the record that a link leads to, as it is now and as the reader may see it.

    The value at the time of linking is no lookup but a default: `"default": "=product.price"`.
    """

    name = "lookup"
    title = {"en": "Lookup", "zh": "引用字段"}
    icon = "zoom-in"
    widget = "computed"

    class Options(registry.Options):
        link: FieldName
        field: FieldThroughLink

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return context.formula_type(definition, None, MOST_DECIMALS)

    def formula(self, definition: Any, context: FormContext) -> str:
        return f"{definition.link}.{definition.field}"
