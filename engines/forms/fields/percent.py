"""A percentage, kept as the fraction: 95 % is 0.95."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from engines.columns import MOST_DECIMALS
from engines.compiled import CompiledField, FieldLook
from engines.forms.field_type import FieldType
from engines.forms.numbers import Numeral, check_range, read_number
from metadata import registry
from metadata.value_types import ValueType, number


class Percent(FieldType):
    """A share of the whole; people see and write 95 %, the record holds 0.95."""

    name = "percent"
    title = {"en": "Percent", "zh": "百分比"}
    icon = "percentage"
    widget = "percent"
    look = FieldLook(mark="percent", tells=True, column="small")

    class Options(registry.Options):
        decimals: int = Field(default=4, ge=0, le=MOST_DECIMALS)
        min: Numeral | None = None
        max: Numeral | None = None

    def value_type(self, definition: Any, context: Any) -> ValueType:
        return number(definition.decimals)

    def parse(self, raw: Any, field: CompiledField) -> Decimal | None:
        value = read_number(raw, field.options.decimals)
        check_range(value, field.options.min, field.options.max)
        return value
