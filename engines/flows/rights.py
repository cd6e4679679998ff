"""What the holder of a task may see and change, of the record and of the records around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FieldMode = Literal["hidden", "read", "write", "required"]


@dataclass(frozen=True)
class RelatedRights:
    """Records of `form` that a path of link fields leads to; `fields` None means all of them."""

    form: str
    links: tuple[str, ...]
    fields: frozenset[str] | None = None
    history: bool = False


@dataclass(frozen=True)
class FieldRights:
    """How each field of the record shows to the holder of a task.

    `others` is the mode of fields that are not named. None, when the author says nothing: then the task shows what
    the holder's roles show of other records of the form, or all where they show none; so a mask stays a mask.
    """

    modes: Mapping[str, FieldMode] = field(default_factory=dict)
    others: FieldMode | None = None
    related: tuple[RelatedRights, ...] = ()

    def mode(self, field_id: str) -> FieldMode:
        return self.modes.get(field_id) or self.others or "read"

    @property
    def editable(self) -> frozenset[str]:
        """The fields that the holder may change while the record is locked for everybody else."""
        return frozenset(each for each, mode in self.modes.items() if mode in ("write", "required"))

    @property
    def required(self) -> frozenset[str]:
        return frozenset(each for each, mode in self.modes.items() if mode == "required")

    def shown(self, fields: frozenset[str], by_roles: frozenset[str]) -> frozenset[str]:
        """Of all these fields, those that the task shows; `by_roles` are those that the holder's roles show."""
        named = {each for each, mode in self.modes.items() if mode != "hidden"}
        hidden = {each for each, mode in self.modes.items() if mode == "hidden"}
        if self.others is None:
            others = by_roles or fields
        else:
            others = fields if self.others != "hidden" else frozenset()
        return (fields & (others | named)) - hidden
