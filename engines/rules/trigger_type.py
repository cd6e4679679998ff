"""What a trigger is: when a rule looks, and at which events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from engines.action_type import ActionContext
from engines.events import MomentCame, RecordChanged
from engines.expressions import Environment
from metadata.registry import Kind
from metadata.text import say

Source = Literal["record", "sweep", "schedule"]


@dataclass(frozen=True)
class Look:
    """What a trigger found in an event: whether it concerns the rule, and the value of each term that decided."""

    fires: bool
    terms: Mapping[str, Any] = field(default_factory=dict)


class TriggerType(Kind):
    """When a rule looks. `source` says who asks: the save of a record, a sweep each minute, or the clock."""

    source: ClassVar[Source] = "record"
    operations: ClassVar[frozenset[str]] = frozenset()

    def compile(self, options: Any, context: ActionContext) -> Any:
        """Check the options against the app and give what the other methods work with."""
        return options

    def looks(self, compiled: Any, event: RecordChanged, environment: Environment, before: Environment | None) -> Look:
        """Say whether a change of a record concerns the rule (record triggers only)."""
        return Look(event.operation in self.operations)

    def due(self, compiled: Any, sweep: "Sweep") -> sa.Select[Any] | None:
        """Select record, row, occurrence and due moment of what has come due (sweep triggers only)."""
        return None

    def sentence(self, options: Any, language: str) -> str:
        """Say in words when a configured instance looks, as "when a request is created"."""
        return say(self.title, language)


@dataclass(frozen=True)
class Sweep:
    """The window a sweep looks at: what came due after `since` and not after `now`; the tables it may read.

    `relation(form, alias)` gives the unmasked relation of a form, `table(name)` a platform table by its plain name.
    """

    since: datetime
    now: datetime
    zone: Any
    dialect: str
    tables: Mapping[str, Any]
    relation: Any
    app: str


__all__ = ["Look", "MomentCame", "Sweep", "TriggerType"]
