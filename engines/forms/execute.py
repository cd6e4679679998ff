"""Whether values make a record: the pure decision behind every save (semantics.md S1, steps 5 to 10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.facts import Facts, Needs


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


@dataclass(frozen=True)
class RowChanges:
    """How the rows of one subform change; rows are complete, by field id, with `id` and `position`.

    A new row has a negative `id` until the door gives it its own.
    """

    created: tuple[Mapping[str, Any], ...] = ()
    updated: tuple[Mapping[str, Any], ...] = ()
    deleted: tuple[int, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The complete record to write, what changed in it (field ids), and what early rules said on the way."""

    after: Mapping[str, Any]
    changed: frozenset[str]
    row_changes: Mapping[str, RowChanges] = field(default_factory=dict)
    trace: tuple[Any, ...] = ()
    effects: tuple[Any, ...] = ()


def decide(app: CompiledApp, request: SaveRequest, before: Mapping[str, Any] | None, facts: Facts) -> Decision | Needs:
    """Decide what a save makes of a record, or say which facts are missing; raise Invalid with all problems."""
    raise NotImplementedError
