"""What a trigger is: when a rule looks, and at which events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.action_type import ActionContext
from engines.events import RecordChanged
from engines.expressions import Environment
from engines.facts import Needs
from engines.rules.condition import Term
from metadata.registry import Kind
from metadata.text import say

Source = Literal["record", "sweep", "schedule"]


@dataclass(frozen=True)
class Look:
    """What a trigger found in an event: whether it concerns the rule, and the terms that decided it."""

    fires: bool
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change of a record as a trigger looks at it: the values now and before, each with its facts."""

    event: RecordChanged
    now: Environment
    before: Environment | None


@dataclass(frozen=True)
class Sweep:
    """What a sweep asks for: all that came due after `since` and not after `now`, over these tables.

    `records` gives the relation of a form, narrowed by the rule's condition where that can be pushed down; `others`
    gives one that is not narrowed; `tables` are the platform's own, by their plain names.
    """

    app: str
    since: datetime
    now: datetime
    zone: ZoneInfo
    records: Callable[[str], Any]
    others: Callable[[str], Any]
    tables: Mapping[str, sa.Table]


class TriggerType(Kind):
    """When a rule looks. `source` says who asks: the save of a record, a sweep each minute, or the clock.

    `crosses` says that the trigger itself tells a new crossing from a state that lasts, so that a rule may run again.
    """

    source: ClassVar[Source] = "record"
    operations: ClassVar[frozenset[str]] = frozenset()
    crosses: ClassVar[bool] = False

    def compile(self, options: Any, context: ActionContext) -> Any:
        """Check the options against the app and give what the other methods work with."""
        return options

    def row_form(self, options: Any, context: ActionContext) -> str | None:
        """The subform whose rows the rule is about; None when it is about the record."""
        return None

    def looks(self, compiled: Any, change: Change) -> Look | Needs:
        """Say whether a change of a record concerns the rule (record triggers only)."""
        return Look(change.event.operation in self.operations)

    def due(self, compiled: Any, sweep: Sweep) -> sa.Select[Any] | None:
        """Select `record`, `row` and the `value` it counts from, for what may have come due; None where nothing can."""
        raise NotImplementedError

    def moment(self, compiled: Any, value: Any, zone: ZoneInfo) -> datetime:
        """The exact moment at which something that counts from this value is due (sweeps only)."""
        raise NotImplementedError

    def missed(
        self, compiled: Any, change: Change, now: datetime, zone: ZoneInfo
    ) -> tuple[tuple[int | None, date], ...]:
        """The (row, value) pairs of a save whose moment is past already though the date itself is still ahead."""
        return ()

    def sentence(self, options: Any, language: str) -> str:
        """Say in words when a configured instance looks, as "when a request is created"."""
        return say(self.title, language)
