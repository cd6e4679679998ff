"""The fields that the platform itself keeps of every record: their types, and what they are called."""

from collections.abc import Mapping

from metadata.expressions import FieldReference
from metadata.names import SYSTEM_FIELDS
from metadata.text import Text
from metadata.value_types import DATETIME, DEPARTMENT, MEMBER, ValueType, link, number

__all__ = ["SYSTEM_FIELDS", "SYSTEM_TITLES", "SYSTEM_TYPES", "system_references"]

SYSTEM_TYPES: Mapping[str, ValueType] = {
    "id": link(""),
    "version": number(0),
    "owner": MEMBER,
    "department": DEPARTMENT,
    "created_at": DATETIME,
    "created_by": MEMBER,
    "updated_at": DATETIME,
    "updated_by": MEMBER,
}
SYSTEM_TITLES: Mapping[str, Text] = {
    "id": {"en": "Id", "zh": "编号"},
    "version": {"en": "Version", "zh": "版本"},
    "owner": {"en": "Owner", "zh": "负责人"},
    "department": {"en": "Department", "zh": "部门"},
    "created_at": {"en": "Created at", "zh": "创建时间"},
    "created_by": {"en": "Created by", "zh": "创建人"},
    "updated_at": {"en": "Changed at", "zh": "修改时间"},
    "updated_by": {"en": "Changed by", "zh": "修改人"},
}


def system_references(form: str) -> dict[str, FieldReference]:
    """The system fields of a form, as expressions see them."""
    types = {**SYSTEM_TYPES, "id": link(form)}
    return {name: FieldReference(name, name, type) for name, type in types.items()}
