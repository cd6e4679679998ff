"""The contract of a node kind: how it is compiled, what it does when a flow reaches it, and how it is drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Literal

from engines.action_type import ActionContext
from engines.actor import Actor, acting
from engines.effects import Effect
from engines.events import TaskDecided, TimerFired
from engines.expressions import Environment
from engines.facts import Facts, Needs
from engines.flows.compiled import CompiledNode
from engines.flows.state import MemberLeft
from engines.people import CompiledPerson, resolve
from metadata.registry import Kind
from metadata.text import Text, say

Token = Mapping[str, Any]  # what a node remembers while it waits: plain JSON
Go = Literal["on", "wait", "into", "reject", "return", "incident"]


@dataclass(frozen=True)
class Step:
    """What a node wants to happen next; made by the functions below. `trace` says what it looked at."""

    go: Go
    token: Token = field(default_factory=dict)
    blocks: tuple[int, ...] = ()
    effects: tuple[Effect, ...] = ()
    reason: Text = ""
    target: str | None = None
    trace: Mapping[str, Any] = field(default_factory=dict)


def go_on(effects: Sequence[Effect] = (), **trace: Any) -> Step:
    """The node is done; the next one comes."""
    return Step("on", effects=tuple(effects), trace=trace)


def wait(token: Token, effects: Sequence[Effect] = (), **trace: Any) -> Step:
    """The node stays until something happens, and remembers the token."""
    return Step("wait", token=token, effects=tuple(effects), trace=trace)


def go_into(blocks: Iterable[int], token: Token | None = None, **trace: Any) -> Step:
    """The flow goes on inside some of the node's branches; the node hears of each that ends."""
    return Step("into", token=token or {}, blocks=tuple(blocks), trace=trace)


def reject(**trace: Any) -> Step:
    """The whole flow ends here, rejected."""
    return Step("reject", trace=trace)


def go_back(target: str | None, **trace: Any) -> Step:
    """The flow goes back to an earlier node, or to the initiator (None)."""
    return Step("return", target=target, trace=trace)


def incident(reason: Text, **trace: Any) -> Step:
    """The flow cannot go on by itself; somebody must see to it and retry."""
    return Step("incident", reason=reason, trace=trace)


@dataclass(frozen=True)
class BlockDone:
    """A branch of the node came to its end."""

    index: int


NodeEvent = TaskDecided | TimerFired | BlockDone | MemberLeft


class Lacking(Exception):
    """Raised inside a node that needs facts which are not there yet; becomes the answer Needs."""

    def __init__(self, needs: Needs) -> None:
        super().__init__("more facts are needed")
        self.needs = needs


@dataclass(frozen=True)
class Visit:
    """What a node may know while it acts: the instance, who started it, the record and the facts.

    In the expressions of a flow `user` is the initiator, whoever happens to decide: a flow must not take another way
    because somebody else clicked. `returned` tells a node that the flow came back to it.
    """

    instance: int
    form: str
    initiator: int | None
    record: Mapping[str, Any]
    facts: Facts
    returned: bool = False

    @property
    def now(self) -> datetime:
        return self.facts.now

    def as_initiator(self) -> Facts:
        """The facts with the initiator as their user."""
        return replace(self.facts, actor=initiating_actor(self.facts, self.initiator))

    def members(self, people: Iterable[CompiledPerson]) -> tuple[int, ...]:
        """The active members that are meant now, each once."""
        found = resolve(people, self.facts.app, Environment(record=self.record, facts=self.as_initiator()))
        return tuple(each for each in found if isinstance(each, int))


def initiating_actor(facts: Facts, member: int | None) -> Actor:
    """Who started the flow, as expressions see him; the platform where nobody did or he is gone."""
    organisation = facts.organisation
    person = organisation.people.get(member) if member is not None else None
    return Actor(kind="system", name="flow") if person is None else acting(organisation, person)


NodeContext = ActionContext  # a node is compiled against what an action is


class NodeType(Kind):
    """A kind of node. A kind that neither waits nor branches writes `compile`, `enter` and `sentence` only.

    `options` is the node as written, with the kind's options as attributes.
    """

    changes_data: ClassVar[bool] = False  # the flow then looks at the record afresh before it goes on
    gives_tasks: ClassVar[bool] = False  # people decide here, so that a later step may return to it
    chooses: ClassVar[bool] = False  # one branch is taken by its condition, so that gaps between them are looked for
    joins: ClassVar[bool] = False  # all branches are walked, and it waits for the last of them

    def branches(self, options: Any) -> Sequence[tuple[tuple[str | int, ...], Text, Sequence[Any]]]:
        """The branches as written: the place of each one's nodes under the node, its caption, its nodes."""
        written = enumerate(getattr(options, "branches", ()))
        return [(("branches", index, "nodes"), branch.title or "", branch.nodes) for index, branch in written]

    def compile(self, options: Any, context: NodeContext) -> Any:
        """Check the options and give what `enter` and `advance` will read."""
        return options

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        """The flow reaches the node."""
        raise NotImplementedError

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        """Something happened at the node while it waited: a task was decided, a timer fired, a branch ended."""
        raise NotImplementedError

    def sentence(self, options: Any, language: str) -> str:
        """One sentence about a configured node."""
        return say(self.title, language)

    def sentence_of(self, node: CompiledNode, language: str) -> str:
        """The same about a compiled node, with titles for the names that stand in the definition."""
        return self.sentence(node.options, language)

    def box(self, node: CompiledNode, language: str) -> dict[str, Any]:
        """The node as a box in the drawn tree."""
        return {
            "id": node.id,
            "name": node.name,
            "type": self.name,
            "icon": self.icon,
            "title": say(node.title or self.title, language),
            "sentence": self.sentence_of(node, language),
        }
