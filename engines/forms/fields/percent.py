"""A percentage, kept as the fraction: 95 % is 0.95."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.numbers import NumberOptions, bound_problems, read_number
from metadata.problems import Problem
from metadata.value_types import ValueType, number


class Percent(FieldType):
    """A share of the whole; people see and write 95 %, the record holds 0.95."""

    name = "percent"
    title = {"en": "Percent", "zh": "百分比"}
    icon = "percentage"
    widget = "percent"
    look = FieldLook(mark="percent", tells=True, column="small")
    Options = NumberOptions

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return number(definition.decimals)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from bound_problems(definition)

    def parse(self, raw: Any, field: CompiledField) -> Decimal | None:
        return read_number(raw, field.options)
