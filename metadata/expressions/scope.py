"""What names mean where an expression stands: fields, the record, the user, and whatever else the place offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metadata.value_types import DEPARTMENT, MEMBER, TEXT, ValueType, list_of


@dataclass(frozen=True)
class FieldReference:
    """A field as an expression sees it: its stable id, its name at present, the type of its value."""

    id: str
    name: str
    type: ValueType


@dataclass(frozen=True)
class Names:
    """For each form or subform id its fields by name (system fields included), and the form's name for messages."""

    forms: Mapping[str, Mapping[str, FieldReference]]
    titles: Mapping[str, str] = field(default_factory=dict)

    def fields(self, form: str) -> Mapping[str, FieldReference]:
        return self.forms.get(form, {})

    def title(self, form: str) -> str:
        return self.titles.get(form, form)


@dataclass(frozen=True)
class Scope:
    """Where an expression stands. Bare names are fields of `form` (an id).

    In a subform row's expression `form` is the subform and `record_form` the form of the record that holds the row.
    `extras` are further names of the place (parameters of a report, records made earlier by a rule) and their types.
    `holds_ids` says that ids of this installation may be written out: in what somebody asks, never in a definition.
    """

    names: Names
    form: str
    roots: frozenset[str] = frozenset({"record", "user", "today", "now"})
    record_form: str | None = None
    extras: Mapping[str, ValueType] = field(default_factory=dict)
    holds_ids: bool = False

    @property
    def in_row(self) -> bool:
        return self.record_form is not None

    def with_old(self) -> "Scope":
        """The same place, where the record's values before the change may be read too."""
        return replace(self, roots=self.roots | {"old"})

    def with_ids(self) -> "Scope":
        """The same place in a request, where people and records may be named by their ids."""
        return replace(self, holds_ids=True)


def _directory(**fields: ValueType) -> dict[str, FieldReference]:
    return {name: FieldReference(name, name, type) for name, type in fields.items()}


MEMBER_FIELDS = _directory(name=TEXT, email=TEXT, department=DEPARTMENT, manager=MEMBER)
DEPARTMENT_FIELDS = _directory(name=TEXT, head=MEMBER, parent=DEPARTMENT)
USER_FIELDS = _directory(
    id=MEMBER,
    name=TEXT,
    email=TEXT,
    department=DEPARTMENT,
    departments=list_of(DEPARTMENT),
    roles=list_of(TEXT),
    manager=MEMBER,
)
NO_FORM = Names({"": {}})
NOWHERE = Scope(NO_FORM, "", frozenset({"user", "today", "now"}))

__all__ = [
    "DEPARTMENT_FIELDS",
    "MEMBER_FIELDS",
    "NOWHERE",
    "NO_FORM",
    "USER_FIELDS",
    "FieldReference",
    "Names",
    "Scope",
]
