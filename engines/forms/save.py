"""What a save asks for and what comes of it: frozen data between the door and the form engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engines.actor import Actor


@dataclass(frozen=True)
class SaveRequest:
    """What somebody wants to save.

    `values` come from outside: raw JSON by field name. `typed` come from rules, flows and the platform: internal
    values by field id, system fields (`owner`, `department`) among them; they may set read-only fields. `record` is
    the id the record has, or will have. `readable` and `editable` are the field ids the actor may read and write in
    this record (None: all); a key he may not read is unknown to him. `unlocked` are read-only fields that an open
    task lets him write. `system` says that the platform acts: link targets need not be readable to anybody.
    """

    form: str
    op: Literal["create", "update"]
    values: Mapping[str, Any]
    actor: Actor
    record: int = 0
    readable: frozenset[str] | None = None
    editable: frozenset[str] | None = None
    unlocked: frozenset[str] = frozenset()
    typed: Mapping[str, Any] = field(default_factory=dict)
    system: bool = False

    @property
    def is_new(self) -> bool:
        return self.op == "create"

    def may_read(self, field: str) -> bool:
        return self.readable is None or field in self.readable

    def may_edit(self, field: str) -> bool:
        return self.editable is None or field in self.editable


@dataclass(frozen=True)
class RowChanges:
    """How the rows of one subform change; rows are complete, by field id, with `id` and `position`.

    A new row has a negative `id` until the door gives it its own.
    """

    created: tuple[Mapping[str, Any], ...] = ()
    updated: tuple[Mapping[str, Any], ...] = ()
    deleted: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


@dataclass(frozen=True)
class Decision:
    """The complete record to write, what changed in it (field ids), and what early rules said on the way.

    `after` holds every field by id, computed ones too where some expression of the app reads them. A new record has
    its system fields; `version`, `updated_at` and `updated_by` of an existing one are for the door to move.
    """

    after: Mapping[str, Any]
    changed: frozenset[str]
    row_changes: Mapping[str, RowChanges] = field(default_factory=dict)
    trace: tuple[Any, ...] = ()
    effects: tuple[Any, ...] = ()
