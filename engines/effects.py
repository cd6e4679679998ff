"""What engines ask for: the closed list of effects that the runtime performs through its one gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from metadata.text import Text


@dataclass(frozen=True)
class SetFields:
    """Set fields of the record that the event is about (values by field id)."""

    form: str
    record: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Refuse:
    """Refuse the save, with the author's message; early rules only."""

    message: Text
    field: str | None = None


@dataclass(frozen=True)
class CreateRecord:
    """Create a record of another form (values by field id); `alias` lets later actions of the same list name it."""

    form: str
    values: Mapping[str, Any]
    alias: str | None = None


@dataclass(frozen=True)
class UpdateRecord:
    """Change another record (values by field id)."""

    form: str
    record: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class DeleteRecord:
    """Move a record to the trash."""

    form: str
    record: int


@dataclass(frozen=True)
class AssignOwner:
    """Hand a record to a member; its department follows. `rotation` names the counter that chose him, if any."""

    form: str
    record: int
    owner: int | None
    candidates: tuple[int, ...] = ()
    rotation: str | None = None


@dataclass(frozen=True)
class Notify:
    """Put a message into the inboxes of members, each in his language, about a record."""

    to: tuple[int, ...]
    title: Text
    body: Text = ""
    form: str | None = None
    record: int | None = None


@dataclass(frozen=True)
class SendMail:
    """Send a mail; `to` holds members (by id) and plain addresses."""

    to: tuple[int | str, ...]
    subject: Text
    body: Text
    form: str | None = None
    record: int | None = None


@dataclass(frozen=True)
class StartFlow:
    """Start a flow on a record; an instance already running there makes it nothing."""

    flow: str
    form: str
    record: int


@dataclass(frozen=True)
class OpenTask:
    """Give a member a to-do at a node of a flow instance."""

    instance: int
    node: str
    assignee: int
    title: Text
    due: datetime | None = None
    kind: str = "approval"


@dataclass(frozen=True)
class CloseTasks:
    """Close the open tasks of a node (one task, or a member's): somebody else decided, or the flow moved on."""

    instance: int
    node: str | None = None
    task: int | None = None
    member: int | None = None
    outcome: str = "cancelled"


@dataclass(frozen=True)
class SetTimer:
    """Wake a flow instance at a moment; setting the same key again moves it."""

    instance: int
    key: str
    due: datetime


@dataclass(frozen=True)
class CancelTimers:
    """Forget the timers of an instance (all, or one key)."""

    instance: int
    key: str | None = None


@dataclass(frozen=True)
class EndInstance:
    """The flow instance is over: approved, rejected or withdrawn; or it is stuck, with the reason (`incident`)."""

    instance: int
    state: str
    reason: Text = ""


@dataclass(frozen=True)
class Later:
    """Do these effects in a job of their own, once, after the commit and not before the delay is over."""

    key: str
    effects: tuple["Effect", ...]
    delay_seconds: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ByRule:
    """What one rule asks for, so that history and failures can name it; done as the acting user where declared."""

    rule: str
    name: str
    effects: tuple["Effect", ...]
    as_user: bool = False


Effect = (
    SetFields
    | Refuse
    | CreateRecord
    | UpdateRecord
    | DeleteRecord
    | AssignOwner
    | Notify
    | SendMail
    | StartFlow
    | OpenTask
    | CloseTasks
    | SetTimer
    | CancelTimers
    | EndInstance
    | Later
    | ByRule
)
