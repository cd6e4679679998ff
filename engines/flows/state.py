"""Where an instance stands: a plain value that goes to JSON and back between any two steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.effects import Effect
from engines.events import FlowStarted, InstanceWithdrawn, TaskDecided, TimerFired
from metadata.text import Text

RUNNING, APPROVED, REJECTED, WITHDRAWN, INCIDENT = "running", "approved", "rejected", "withdrawn", "incident"
OPEN_STATUSES = (RUNNING, INCIDENT)

Agendum = tuple[str, str, int]  # "enter" node, "end" of a node's branch (or of the flow: no node)


@dataclass(frozen=True)
class State:
    """Where an instance stands.

    `tokens`: by node, what each waiting node remembers. `marks`: by node, how far it is (state, since, until,
    outcome). `agenda`: what is still to be walked when the walk paused for the record to be read afresh. `stuck`: by
    node, why the flow cannot go on there.
    """

    instance: int
    initiator: int | None = None
    status: str = RUNNING
    tokens: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    agenda: tuple[Agendum, ...] = ()
    stuck: Mapping[str, Text] = field(default_factory=dict)
    steps: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def as_json(self) -> dict[str, Any]:
        return {
            "instance": self.instance,
            "initiator": self.initiator,
            "status": self.status,
            "tokens": {node: dict(token) for node, token in self.tokens.items()},
            "marks": {node: dict(mark) for node, mark in self.marks.items()},
            "agenda": [list(each) for each in self.agenda],
            "stuck": dict(self.stuck),
            "steps": self.steps,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "State":
        agenda = tuple((str(verb), str(node), int(index)) for verb, node, index in stored["agenda"])
        return cls(**{**stored, "agenda": agenda})


@dataclass(frozen=True)
class Outcome:
    """What a step of a flow gives: where it now stands, what is to be done, and what was looked at.

    `proceed` says that the effects change data the flow will read next: perform them, read the record afresh, and
    call `execute` again with `Proceed()`.
    """

    state: State
    effects: tuple[Effect, ...] = ()
    trace: tuple[Mapping[str, Any], ...] = ()
    proceed: bool = False


@dataclass(frozen=True)
class Proceed:
    """The effects are performed and the record is read afresh; go on."""


@dataclass(frozen=True)
class MemberLeft:
    """Somebody who holds a task is no longer there to decide it."""

    node: str
    member: int


@dataclass(frozen=True)
class Retry:
    """Somebody saw to an incident; try the nodes that are stuck once more."""


FlowEvent = FlowStarted | TaskDecided | TimerFired | InstanceWithdrawn | MemberLeft | Proceed | Retry
