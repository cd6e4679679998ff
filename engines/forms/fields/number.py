"""A number, exact to the decimals asked for."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.numbers import NumberOptions, bound_problems, read_number
from metadata.normalise import Words
from metadata.problems import Problem
from metadata.value_types import ValueType, number


class Number(FieldType):
    """A decimal number; exact, never a float. `total` false: a rate, of which no total is shown."""

    name = "number"
    title = {"en": "Number", "zh": "数字"}
    icon = "number"
    widget = "number"
    look = FieldLook(column="small")

    class Options(NumberOptions):
        total: bool = True
        unit: Words | None = None

    def look_of(self, options: Any) -> FieldLook:
        return replace(self.look, adds_up=options.total)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return number(definition.decimals)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from bound_problems(definition)

    def parse(self, raw: Any, field: CompiledField) -> Decimal | None:
        return read_number(raw, field.options)
