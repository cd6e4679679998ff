"""A total over the records that link here."""

from collections.abc import Iterator
from typing import Any, get_args

from engines.compiled import TotalFunction
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType, Total
from metadata import registry
from metadata.names import FieldOfForm, FieldOfFormOrRows, FormName, RowExpression
from metadata.problems import ROOT, Problem
from metadata.value_types import ValueType, number

FUNCTIONS: tuple[TotalFunction, ...] = get_args(TotalFunction)


class Rollup(FieldType):
    """The count, sum, average, smallest, largest or number of different values over the records that link here.

    `form` and `link` say which records; `where` narrows them. With `rows` (a subform of that form) it totals rows:
    `link`, the value and `where` are then fields of the row, and `record` is the record that holds it. The total is
    kept up to date with every save. With `eventual` it follows a moment later, for totals that very many saves move
    at once; the third total above another one always does.
    """

    name = "rollup"
    title = {"en": "Roll-up", "zh": "汇总"}
    icon = "sum"
    widget = "computed"
    storage = "rollup"

    class Options(registry.Options):
        form: FormName
        rows: FieldOfForm | None = None
        link: FieldOfFormOrRows
        count: bool = False
        sum: FieldOfFormOrRows | None = None
        avg: FieldOfFormOrRows | None = None
        min: FieldOfFormOrRows | None = None
        max: FieldOfFormOrRows | None = None
        distinct: FieldOfFormOrRows | None = None
        where: RowExpression | None = None
        eventual: bool = False
        declassify: bool = False

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        total = self.total(definition, context)

        def type_of(value: ValueType | None) -> ValueType:
            if value is None or total.function == "distinct":
                return number(0)
            return number(4) if total.function == "avg" else value

        return context.total_type(total, type_of)

    def total(self, definition: Any, context: FormContext) -> Total:
        function: TotalFunction = next((each for each in FUNCTIONS if getattr(definition, each)), "count")
        value = None if function == "count" else getattr(definition, function)
        return Total(
            form=definition.form,
            link=definition.link,
            function=function,
            value=value,
            where=definition.where,
            rows=definition.rows,
            eventual=definition.eventual,
        )

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        chosen = [each for each in FUNCTIONS if getattr(definition, each)]
        if len(chosen) != 1:
            message = {
                "en": "A roll-up needs exactly one of count, sum, avg, min, max and distinct",
                "zh": "汇总字段必须且只能指定 count、sum、avg、min、max、distinct 之一",
            }
            hint = {"en": 'For example "sum": "amount"', "zh": '例如 "sum": "amount"'}
            yield Problem(ROOT, "bad_rollup", message, hint)
