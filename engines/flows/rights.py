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
    """How each field of the record shows to the holder of a task; fields that are not named are as `others` says."""

    modes: Mapping[str, FieldMode] = field(default_factory=dict)
    others: FieldMode = "read"
    related: tuple[RelatedRights, ...] = ()

    def mode(self, field_id: str) -> FieldMode:
        return self.modes.get(field_id, self.others)

    @property
    def editable(self) -> frozenset[str]:
        """The fields that the holder may change while the record is locked for everybody else."""
        return frozenset(each for each, mode in self.modes.items() if mode in ("write", "required"))

    @property
    def required(self) -> frozenset[str]:
        return frozenset(each for each, mode in self.modes.items() if mode == "required")

    def readable(self, fields: frozenset[str]) -> frozenset[str]:
        """Of all these fields, those that the task shows."""
        return frozenset(each for each in fields if self.mode(each) != "hidden")
