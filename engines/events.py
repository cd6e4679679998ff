"""What happened: the closed list of events that rules and flows are asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Operation = Literal["create", "update", "delete", "restore", "derived"]


@dataclass(frozen=True)
class RecordChanged:
    """A record was created, updated, deleted or restored, or one of its roll-ups moved (`derived`).

    `before` is None for a new record, `after` is None for a deleted one. `changed` holds field ids.
    """

    form: str
    record: int
    operation: Operation
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MomentCame:
    """A date-relative, time-in-stage, absence or scheduled trigger is due for a rule.

    `occurrence` is what makes it happen once: the date value, the stage entry, the last child, the planned minute.
    `row` is the subform row it counts from, if any; a schedule has no record.
    """

    rule: str
    occurrence: str
    due: datetime
    form: str | None = None
    record: int | None = None
    after: Mapping[str, Any] | None = None
    row: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class FlowStarted:
    """Somebody, or a rule, starts a flow on a record."""

    flow: str
    form: str
    record: int
    initiator: int | None


@dataclass(frozen=True)
class TaskDecided:
    """A member decides his task: approve, reject, return, or another operation of the task."""

    task: int
    node: str
    outcome: str
    member: int
    comment: str = ""
    target: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TimerFired:
    """A wait or a deadline of a flow instance is over."""

    instance: int
    key: str


@dataclass(frozen=True)
class InstanceWithdrawn:
    """The initiator takes his request back."""

    instance: int
    member: int
    comment: str = ""


Event = RecordChanged | MomentCame | FlowStarted | TaskDecided | TimerFired | InstanceWithdrawn
