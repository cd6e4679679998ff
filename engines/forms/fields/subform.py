"""A table within the record: rows with fields of their own."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from engines.compiled import CompiledField
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.lists import MOST_ROWS
from engines.values import ValueProblem
from metadata import registry
from metadata.kinds import OfKind
from metadata.problems import ROOT, Problem
from metadata.text import Text
from metadata.value_types import ValueType, rows

NOT_IN_ROWS = ("subform", "rollup", "auto_number")


class Subform(FieldType):
    """Rows that belong to the record and share its version; their order is kept.

    A submitted list is the whole list: rows are recognised by their `id`, rows without one are new, and rows that are
    missing from the list are deleted.
    """

    name = "subform"
    title = {"en": "Subform", "zh": "子表单"}
    icon = "table"
    widget = "subform"
    storage = "rows"

    class Options(registry.Options):
        fields: Annotated[tuple[Annotated[Any, OfKind("field")], ...], Field(min_length=1, max_length=100)]
        min_rows: int = Field(default=0, ge=0, le=MOST_ROWS)
        max_rows: int = Field(default=MOST_ROWS, ge=1, le=MOST_ROWS)

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return rows(definition.id)

    def parse(self, raw: Any, field: CompiledField) -> Any:
        raise ValueProblem("rows_written_out", _NO_ROWS, _MAKE_ROWS)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        for index, each in enumerate(definition.fields):
            if each.type in NOT_IN_ROWS:
                message = {
                    "en": f"A field of type {each.type} cannot stand in a subform",
                    "zh": f"子表单中不能使用 {each.type} 类型的字段",
                }
                hint = {
                    "en": "Make it a form of its own that links to this one",
                    "zh": "请改为单独的表单，并关联到本表单",
                }
                yield Problem(ROOT / "fields" / index / "type", "not_in_subform", message, hint)
            if getattr(each, "stage", False):
                yield Problem(ROOT / "fields" / index / "stage", "stage_in_subform", _NO_STAGE, _STAGE_ABOVE)


_NO_STAGE: Text = {
    "en": "Stages are followed for records, not for the rows of a subform",
    "zh": "阶段历史仅针对记录，不针对子表单的行",
}
_STAGE_ABOVE: Text = {
    "en": "Leave “stage” out, or move the field to the record",
    "zh": "请删去 stage，或把字段移到记录上",
}
_NO_ROWS: Text = {"en": "The rows of a subform cannot be written out here", "zh": "此处不能直接写出子表单的行"}
_MAKE_ROWS: Text = {
    "en": "Give the fields of the rows defaults, or let people enter the rows",
    "zh": "请为行内字段设置默认值，或由用户填写明细行",
}
