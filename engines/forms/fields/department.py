"""A department of the organisation, or several."""

from typing import Any

from engines.compiled import CompiledField, Storage
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.ids import read_ids
from metadata import registry
from metadata.value_types import DEPARTMENT, ValueType, list_of


class Department(FieldType):
    """A department of the organisation; with `multiple` several."""

    name = "department"
    title = {"en": "Department", "zh": "部门"}
    icon = "building-community"
    widget = "department"

    class Options(registry.Options):
        multiple: bool = False

    def storage_of(self, definition: Any) -> Storage:
        return "list" if definition.multiple else "stored"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return list_of(DEPARTMENT) if definition.multiple else DEPARTMENT

    def parse(self, raw: Any, field: CompiledField) -> Any:
        return read_ids(raw, field)
