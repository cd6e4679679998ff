"""A record of another form, or several: seen from both sides."""

from typing import Any, Literal

from engines.compiled import CompiledField, Storage
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.ids import read_ids
from metadata import registry
from metadata.names import FormName
from metadata.normalise import Words
from metadata.value_types import ValueType, link, list_of


class Link(FieldType):
    """A related record. The other form shows the list of those that link to it under `back_title`.

    Deleting the linked record is refused (`restrict`), deletes this one too (`cascade`) or empties the field
    (`set_null`).
    """

    name = "link"
    title = {"en": "Related record", "zh": "关联记录"}
    icon = "link"
    widget = "link"
    look = FieldLook(column="large")

    class Options(registry.Options):
        form: FormName
        multiple: bool = False
        on_delete: Literal["restrict", "cascade", "set_null"] = "restrict"
        back_title: Words | None = None

    def storage_of(self, definition: Any) -> Storage:
        return "list" if definition.multiple else "stored"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        target = link(context.form_id(definition.form))
        return list_of(target) if definition.multiple else target

    def parse(self, raw: Any, field: CompiledField) -> Any:
        return read_ids(raw, field)
