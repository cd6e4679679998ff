"""Approval: people decide, one for all, all of them, or one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from engines.durations import Duration, read_duration
from engines.effects import CloseTasks, Effect, Notify, OpenTask, SetTimer
from engines.events import TaskDecided, TimerFired
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import (
    NodeContext,
    NodeEvent,
    NodeType,
    Step,
    Token,
    Visit,
    go_back,
    go_on,
    incident,
    reject,
    wait,
)
from engines.flows.state import MemberLeft
from engines.people import CompiledPerson, People, compile_people, say_called, say_people
from metadata.flows import TaskOptions
from metadata.names import RoleName
from metadata.normalise import by_shape
from metadata.problems import ROOT, Conflict, Problem, Refused
from metadata.registry import Options as BaseOptions
from metadata.text import Text, say

MAXIMUM_APPROVERS = 50  # L49
INITIATOR = "initiator"  # the target of a return that goes back to who started


class Fallback(BaseOptions):
    """Who decides where nobody else is found."""

    role: RoleName


IfNone = Annotated[
    Annotated[Literal["incident", "skip"], Tag("text")] | Annotated[Fallback, Tag("object")], Discriminator(by_shape)
]


class TimeLimit(BaseOptions):
    """How long people may take, and what happens then: a reminder, their managers are asked too, or it is decided."""

    after: Duration
    then: Literal["remind", "escalate", "approve", "reject"] = "remind"


@dataclass(frozen=True)
class CompiledApproval:
    """An approval, checked: by whom, how many must agree (None: all), and what if nobody is there or nobody acts."""

    approvers: tuple[CompiledPerson, ...]
    mode: str
    quorum: int | None
    fallback: CompiledPerson | None
    skip_if_none: bool
    own_request: str
    limit: timedelta | None
    then: str


class Approval(NodeType):
    """People get a task each and approve, reject or return. The first rejection ends the flow."""

    name = "approval"
    title = {"en": "Approval", "zh": "审批"}
    icon = "user-check"
    gives_tasks: ClassVar[bool] = True

    class Options(TaskOptions):
        """Who decides and how.

        `mode`: one approval is enough (any, or `quorum` of them), everybody's is needed (all), or everybody's in
        turn (sequential). `if_none`: what happens when nobody is found. `own_request`: whether who started the flow
        may decide on it (refuse: he is left out; manager: his manager decides instead).
        """

        approvers: People
        mode: Literal["any", "all", "sequential"] = "any"
        quorum: Annotated[int, Field(ge=2, le=MAXIMUM_APPROVERS)] | None = None
        if_none: IfNone = "incident"
        own_request: Literal["refuse", "manager", "allow"] = "refuse"
        limit: TimeLimit | None = None

    def compile(self, options: Any, context: NodeContext) -> CompiledApproval:
        if options.quorum is not None and options.mode != "any":
            context.add("quorum_without_any", _QUORUM, "quorum")
        fallback = None
        if isinstance(options.if_none, Fallback):
            fallback = CompiledPerson("role", role=context.role_id(options.if_none.role, "if_none", "role"))
        return CompiledApproval(
            approvers=compile_people(options.approvers, context, "approvers"),
            mode=options.mode,
            quorum=(options.quorum or 1) if options.mode == "any" else None,
            fallback=fallback,
            skip_if_none=options.if_none == "skip",
            own_request=options.own_request,
            limit=read_duration(options.limit.after) if options.limit else None,
            then=options.limit.then if options.limit else "remind",
        )

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        config: CompiledApproval = node.config
        people = _people(config, visit)
        if not people:
            return go_on(outcome="skipped") if config.skip_if_none else incident(_NOBODY)
        if len(people) > MAXIMUM_APPROVERS:
            return incident(_too_many(len(people)))
        first = people[:1] if config.mode == "sequential" else people
        by_role = [each for each in people if each in _holders(config, visit)]
        token: dict[str, Any] = {"people": list(people), "open": list(first), "votes": {}, "by_role": by_role}
        effects = self._open(node, visit, first)
        if config.limit is not None:
            token["timers"] = [_limit_key(node)]
            effects.append(SetTimer(visit.instance, _limit_key(node), visit.now + config.limit))
        return wait(token, effects, people=list(people))

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        if isinstance(event, TimerFired):
            return self._too_late(node, visit, token)
        if isinstance(event, MemberLeft):
            return self._left(node, visit, token, event.member)
        assert isinstance(event, TaskDecided)
        _require_right(node, visit, token, event)
        if event.outcome == "reject":
            return reject(outcome="rejected", member=event.member)
        if event.outcome == "return":
            target = None if event.target in (None, INITIATOR) else event.target
            return go_back(target, outcome="returned", member=event.member)
        if event.outcome == "approve":
            return self._approved(node, visit, token, event.member)
        raise Conflict(Problem(ROOT, "wrong_operation", _WRONG_OPERATION))

    def _left(self, node: CompiledNode, visit: Visit, token: Token, member: int) -> Step:
        """One of those asked has left: the others decide without him, else the fallback does."""
        config: CompiledApproval = node.config
        people = [each for each in token["people"] if each != member]
        still = [each for each in token["open"] if each != member]
        if people:
            return self._counted(node, visit, {**token, "people": people, "open": still}, token["votes"], still)
        others = visit.members((config.fallback,)) if config.fallback is not None else ()
        others = tuple(each for each in _without_initiator(others, config, visit) if each != member)
        if others:
            return wait({**token, "people": list(others), "open": list(others)}, self._open(node, visit, others))
        return go_on(outcome="skipped") if config.skip_if_none else incident(_NOBODY)

    def _approved(self, node: CompiledNode, visit: Visit, token: Token, member: int) -> Step:
        votes = {**token["votes"], str(member): "approve"}
        still = [each for each in token["open"] if each != member]
        return self._counted(node, visit, token, votes, still)

    def _counted(
        self, node: CompiledNode, visit: Visit, token: Token, votes: Mapping[str, str], still: list[int]
    ) -> Step:
        """Count the votes afresh; go on when they are enough, else ask the next or wait for the others."""
        config: CompiledApproval = node.config
        needed = min(config.quorum or len(token["people"]), len(token["people"]))
        if len(votes) >= needed:
            return go_on([CloseTasks(visit.instance, node.id)], outcome="approved", votes=votes)
        effects: list[Effect] = []
        if config.mode == "sequential" and not still:
            still = [next(each for each in token["people"] if str(each) not in votes)]
            effects = self._open(node, visit, still)
        return wait({**token, "votes": votes, "open": still}, effects, votes=votes)

    def _too_late(self, node: CompiledNode, visit: Visit, token: Token) -> Step:
        """The time limit has passed."""
        config: CompiledApproval = node.config
        if config.then == "approve":
            return go_on([CloseTasks(visit.instance, node.id)], outcome="approved", by="time limit")
        if config.then == "reject":
            return reject(outcome="rejected", by="time limit")
        effects: list[Effect] = [Notify(tuple(token["open"]), _REMINDER, "", visit.form, visit.record.get("id"))]
        if config.then == "escalate":
            return self._escalate(node, visit, token, effects)
        assert config.limit is not None
        effects.append(SetTimer(visit.instance, _limit_key(node), visit.now + config.limit))
        return wait(token, effects, reminded=list(token["open"]))

    def _escalate(self, node: CompiledNode, visit: Visit, token: Token, effects: list[Effect]) -> Step:
        """The managers of those who did not act take their places."""
        people, open_now = list(token["people"]), list(token["open"])
        for late in token["open"]:
            manager = visit.facts.organisation.manager_of(late)
            if manager is None or manager in people or manager == visit.initiator:
                continue
            people[people.index(late)], open_now[open_now.index(late)] = manager, manager
        asked = [each for each in open_now if each not in token["open"]]
        if asked:
            replaced = [each for each in token["open"] if each not in open_now]
            effects += [CloseTasks(visit.instance, node.id, member=each, outcome="escalated") for each in replaced]
            effects += self._open(node, visit, asked)
        return wait({**token, "people": people, "open": open_now, "timers": []}, effects, escalated_to=asked)

    def _open(self, node: CompiledNode, visit: Visit, people: Sequence[int]) -> list[Effect]:
        due = visit.now + node.config.limit if node.config.limit is not None else None
        title = node.title or self.title
        return [OpenTask(visit.instance, node.id, each, title, due) for each in people]

    def sentence(self, options: Any, language: str) -> str:
        return self._words(say_people(options.approvers, language), options, language)

    def sentence_of(self, node: CompiledNode, language: str) -> str:
        return self._words(say_called(node.config.approvers, language), node.options, language)

    def _words(self, people: str, options: Any, language: str) -> str:
        mode = say(_MODES[options.mode], language)
        if options.quorum:
            mode = say({"en": f"{options.quorum} must approve", "zh": f"需 {options.quorum} 人同意"}, language)
        return f"{people} · {mode}"


def _people(config: CompiledApproval, visit: Visit) -> tuple[int, ...]:
    """Who decides now: nobody twice, the initiator only where he may, the fallback where nobody is left."""
    people = _without_initiator(visit.members(config.approvers), config, visit)
    if not people and config.fallback is not None:
        people = _without_initiator(visit.members((config.fallback,)), config, visit)
    return people


def _without_initiator(people: tuple[int, ...], config: CompiledApproval, visit: Visit) -> tuple[int, ...]:
    if config.own_request == "allow" or visit.initiator not in people:
        return people
    others = tuple(each for each in people if each != visit.initiator)
    if config.own_request == "refuse":
        return others
    manager = visit.facts.organisation.manager_of(visit.initiator)
    person = visit.facts.organisation.people.get(manager) if manager is not None else None
    return others if person is None or not person.active or manager in others else (*others, person.id)


def _holders(config: CompiledApproval, visit: Visit) -> tuple[int, ...]:
    """Those who may decide because of a role that they hold now."""
    by_role = [each for each in config.approvers if each.way == "role"]
    return visit.members((*by_role, config.fallback) if config.fallback is not None else tuple(by_role))


def _require_right(node: CompiledNode, visit: Visit, token: Token, event: TaskDecided) -> None:
    """The right is checked when the decision is made, not when the task was given."""
    if event.member not in token["open"]:
        raise Conflict(Problem(ROOT, "node_closed", _NOT_OPEN))
    asked_now = (*visit.members(node.config.approvers), *_holders(node.config, visit))
    if event.member in token["by_role"] and event.member not in asked_now:
        raise Refused(Problem(ROOT, "right_lost", _RIGHT_LOST))
    if event.member == visit.initiator and node.config.own_request != "allow":
        raise Refused(Problem(ROOT, "own_request", _OWN_REQUEST))


def _limit_key(node: CompiledNode) -> str:
    return f"{node.id}:limit"


def _too_many(count: int) -> Text:
    return {
        "en": f"{count} people would have to decide; at most {MAXIMUM_APPROVERS} can",
        "zh": f"审批人多达 {count} 位，超过上限 {MAXIMUM_APPROVERS} 位",
    }


_MODES: Mapping[str, Text] = {
    "any": {"en": "one of them decides", "zh": "或签"},
    "all": {"en": "all must approve", "zh": "会签"},
    "sequential": {"en": "one after the other", "zh": "依次审批"},
}
_NOBODY: Text = {
    "en": "Nobody was found who could decide here",
    "zh": "没有找到可以审批的人",
}
_REMINDER: Text = {"en": "A decision of yours is overdue", "zh": "您有一项审批已超时"}
_NOT_OPEN: Text = {"en": "There is nothing for you to decide here any more", "zh": "此处已没有需要您处理的审批"}
_OWN_REQUEST: Text = {"en": "Nobody decides on his own request here", "zh": "不能审批自己发起的申请"}
_RIGHT_LOST: Text = {
    "en": "You no longer hold the role that decides here",
    "zh": "您已不再拥有此处审批所需的角色",
}
_WRONG_OPERATION: Text = {
    "en": "An approval can be approved, rejected or returned",
    "zh": "审批只能同意、拒绝或退回",
}
_QUORUM: Text = {"en": "`quorum` goes with the mode “any”", "zh": "quorum 只能与 any 模式一起使用"}
