"""An amount of money, exact to the cent."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pydantic import Field

from engines.columns import MOST_DECIMALS
from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.numbers import NumberOptions, bound_problems, read_number
from metadata.problems import Problem
from metadata.value_types import ValueType, number


class Money(FieldType):
    """An amount in the app's currency, or in one of its own. `total` false: a price, of which no total is shown."""

    name = "money"
    title = {"en": "Money", "zh": "金额"}
    icon = "currency-yuan"
    widget = "money"
    look = FieldLook(mark="money", tells=True)

    class Options(NumberOptions):
        decimals: int = Field(default=2, ge=0, le=MOST_DECIMALS)
        total: bool = True
        currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")

    def look_of(self, options: Any) -> FieldLook:
        return replace(self.look, adds_up=options.total)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return number(definition.decimals)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        yield from bound_problems(definition)

    def parse(self, raw: Any, field: CompiledField) -> Decimal | None:
        return read_number(raw, field.options)
