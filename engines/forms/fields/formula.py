"""A value computed from others."""

from typing import Any, Literal

from pydantic import Field

from engines.columns import MOST_DECIMALS
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from metadata import registry
from metadata.names import ExpressionText
from metadata.value_types import ValueType


class Formula(FieldType):
    """An expression over the record, its rows and what its links lead to; nobody writes it.

    Over own fields and rows it is stored with each save; over links, or with today and now, it is worked out whenever
    it is read. Both sort, filter and aggregate. Numbers are rounded to `decimals` (4 unless told). With `blanks`
    "zero" a blank number counts as zero; else what is reckoned with a blank is blank.
    """

    name = "formula"
    title = {"en": "Formula", "zh": "公式"}
    icon = "math-function"
    widget = "computed"

    class Options(registry.Options):
        formula: ExpressionText = Field(min_length=1)
        decimals: int | None = Field(default=None, ge=0, le=MOST_DECIMALS)
        blanks: Literal["blank", "zero"] = "blank"
        show_as: Literal["number", "money", "percent"] = "number"
        total: bool = True
        declassify: bool = False

    def look_of(self, options: Any) -> FieldLook:
        mark: Literal["", "money", "percent"] = "" if options.show_as == "number" else options.show_as
        return FieldLook(mark, adds_up=options.total and mark != "percent", tells=bool(mark))

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return context.formula_type(definition, definition.decimals)

    def formula(self, definition: Any, context: FormContext) -> str:
        text: str = definition.formula
        return text
