"""A number, exact to the decimals asked for."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from pydantic import Field

from engines.columns import MOST_DECIMALS
from engines.compiled import CompiledField, FieldLook
from engines.forms.field_type import FieldType
from engines.forms.numbers import Numeral, check_range, read_number
from metadata import registry
from metadata.normalise import Words
from metadata.value_types import ValueType, number


class Number(FieldType):
    """A decimal number; exact, never a float. `total` false: a rate, of which no total is shown."""

    name = "number"
    title = {"en": "Number", "zh": "数字"}
    icon = "number"
    widget = "number"
    look = FieldLook(column="small")

    class Options(registry.Options):
        decimals: int = Field(default=4, ge=0, le=MOST_DECIMALS)
        min: Numeral | None = None
        max: Numeral | None = None
        total: bool = True
        unit: Words | None = None

    def look_of(self, options: Any) -> FieldLook:
        return replace(self.look, adds_up=options.total)

    def value_type(self, definition: Any, context: Any) -> ValueType:
        return number(definition.decimals)

    def parse(self, raw: Any, field: CompiledField) -> Decimal | None:
        value = read_number(raw, field.options.decimals)
        check_range(value, field.options.min, field.options.max)
        return value
