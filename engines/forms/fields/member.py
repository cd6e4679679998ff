"""Somebody of the organisation, or several."""

from typing import Any

from engines.compiled import CompiledField, Storage
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.ids import read_ids
from metadata import registry
from metadata.names import RoleName
from metadata.value_types import MEMBER, ValueType, list_of


class Member(FieldType):
    """A member of the organisation; with `multiple` several. `role` narrows the choice to holders of a role."""

    name = "member"
    title = {"en": "Member", "zh": "成员"}
    icon = "user"
    widget = "member"
    look = FieldLook(tells=True)

    class Options(registry.Options):
        multiple: bool = False
        role: RoleName | None = None

    def storage_of(self, definition: Any) -> Storage:
        return "list" if definition.multiple else "stored"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return list_of(MEMBER) if definition.multiple else MEMBER

    def parse(self, raw: Any, field: CompiledField) -> Any:
        return read_ids(raw, field)
