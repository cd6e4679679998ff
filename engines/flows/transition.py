"""One transition of an instance under way: what happened is taken in, then the flow is walked as far as it goes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines.action_type import KindMissing, Occasion, execute_actions
from engines.effects import CancelTimers, CloseTasks, Effect, EndInstance, Notify
from engines.events import FlowStarted, InstanceWithdrawn, TaskDecided, TimerFired
from engines.expressions import Environment
from engines.facts import Facts, Needs
from engines.flows import refusals
from engines.flows.compiled import Block, CompiledFlow, CompiledNode, walk
from engines.flows.node_type import BlockDone, Lacking, NodeEvent, Step, Visit, incident
from engines.flows.state import (
    APPROVED,
    INCIDENT,
    REJECTED,
    RUNNING,
    WITHDRAWN,
    FlowEvent,
    MemberLeft,
    Outcome,
    Proceed,
    Retry,
    State,
)
from engines.flows.ways_back import goes_on, returnable
from engines.json_values import moment_text
from metadata.text import Text, say

MAXIMUM_STEPS = 50  # nodes walked in one transition (L49)


class Transition:
    """One transition under way; the only place where the state of an instance is changed."""

    def __init__(self, flow: CompiledFlow, state: State, facts: Facts, record: Mapping[str, Any]) -> None:
        self.flow, self.state = flow, state
        self.status = state.status
        self.tokens = dict(state.tokens)
        self.marks = {node: dict(mark) for node, mark in state.marks.items()}
        self.agenda = list(state.agenda)
        self.stuck = dict(state.stuck)
        self.steps = state.steps
        self.effects: list[Effect] = []
        self.trace: list[Mapping[str, Any]] = []
        self.paused = False
        self.returning: str | None = None
        self.visit = Visit(state.instance, flow.form, state.initiator, record, facts)
        self.environment = Environment(record=record, facts=self.visit.as_initiator())

    # --- what happened ---

    def take(self, event: FlowEvent) -> None:
        """Turn the event into the first things to do."""
        if not self.state.is_open:
            raise refusals.over(self.status)
        if not isinstance(event, Proceed):
            self.steps = 0
        match event:
            case FlowStarted(initiator=initiator):
                self.visit = replace(self.visit, initiator=initiator)
                self.environment = replace(self.environment, facts=self.visit.as_initiator())
                self.state = replace(self.state, initiator=initiator)
                self.agenda.append(("enter", self.flow.first.id, 0))
            case TaskDecided():
                self._advance_waiting(event.node, event)
            case TimerFired(key=key):
                node = key.partition(":")[0]
                if node in self.tokens:
                    self._wake(node, event)
            case MemberLeft(node=node, member=member):
                if member in self.tokens.get(node, {}).get("open", ()):
                    self.effects.append(CloseTasks(self.state.instance, node, member=member, outcome="left"))
                    self._apply(self.flow.nodes[node], self._ask(node, event))
            case InstanceWithdrawn(member=member):
                if member != self.state.initiator:
                    raise refusals.not_the_initiator()
                self._end(WITHDRAWN)
            case Retry():
                self._try_again()

    def _wake(self, node: str, event: TimerFired) -> None:
        """Tell a node that its moment has come; where its kind is missing, the moment is kept until that is back."""
        try:
            self._apply(self.flow.nodes[node], self._ask(node, event))
        except KindMissing as missing:
            token = self.tokens[node]
            self.tokens[node] = {**token, "woken": [*token.get("woken", ()), event.key]}
            self._stop_at(node, missing.reason)

    def _try_again(self) -> None:
        """Enter what is stuck once more; what was woken in vain is woken again, and keeps what it waits for."""
        stuck, self.stuck, self.status = list(self.stuck), {}, RUNNING
        self.agenda = [("enter", node, 0) for node in stuck if node not in self.tokens] + self.agenda
        for node in (each for each in stuck if each in self.tokens):
            keys = self.tokens[node].get("woken", ())
            self.tokens[node] = {name: value for name, value in self.tokens[node].items() if name != "woken"}
            self._mark(node, state="doing")
            for key in keys:
                if node in self.tokens:
                    self._wake(node, TimerFired(self.state.instance, key))

    def _advance_waiting(self, node: str, event: TaskDecided) -> None:
        if node not in self.tokens:
            raise refusals.node_closed()
        self._apply(self.flow.nodes[node], self._ask(node, event))

    def _ask(self, node: str, event: NodeEvent) -> Step:
        compiled = self.flow.nodes[node]
        return compiled.kind.advance(compiled, self.visit, self.tokens[node], event)

    # --- the walk ---

    def walk(self) -> None:
        """Do what is on the agenda, first things first, until all wait or the record must be read afresh."""
        while self.agenda and self.status in (RUNNING, INCIDENT) and not self.paused:
            verb, node, index = self.agenda.pop(0)
            if verb == "enter":
                self._enter(self.flow.nodes[node])
            elif node:
                self._apply(self.flow.nodes[node], self._ask(node, BlockDone(index)))
            else:
                self._end(APPROVED)

    def _enter(self, node: CompiledNode) -> None:
        self.steps += 1
        if self.steps > MAXIMUM_STEPS:
            self._stick(node, _LOOP_SUSPECTED)
            return
        visit = replace(self.visit, returned=self.returning == node.id)
        self.returning = None
        self._mark(node.id, state="doing", since=self._now, until=None, outcome=None)
        try:
            step = node.kind.enter(node, visit)
        except KindMissing as missing:
            step = incident(missing.reason)
        self._apply(node, step)

    def _apply(self, node: CompiledNode, step: Step) -> None:
        self.effects.extend(step.effects)
        self.trace.append({"node": node.id, "kind": node.kind.name, "step": step.go, **step.trace})
        match step.go:
            case "on":
                self._leave(node, step.trace.get("outcome"))
                self.paused |= node.kind.changes_data and bool(step.effects)
            case "wait":
                self.tokens[node.id] = step.token
            case "into":
                self._go_into(node, step)
            case "reject":
                self._mark(node.id, state="done", until=self._now, outcome=REJECTED)
                self._drop_token(node.id)
                self._end(REJECTED)
            case "return":
                self._go_back(node, step.target)
            case "incident":
                self._stick(node, step.reason)

    def _leave(self, node: CompiledNode, outcome: str | None = None) -> None:
        self._drop_token(node.id)
        self._mark(node.id, state="done", until=self._now, outcome=outcome)
        block, index = self.flow.places[node.id]
        self.agenda.insert(0, _after(block, index))
        if node.id == self.flow.first.id:
            self.paused = self._do("start")

    def _go_into(self, node: CompiledNode, step: Step) -> None:
        self.tokens[node.id] = step.token
        for index, block in enumerate(node.blocks):
            if index not in step.blocks:
                for skipped, _, _ in walk(block):
                    self._mark(skipped.id, state="skipped")
        first = [_after(node.blocks[index], -1) for index in step.blocks]
        self.agenda = [*first, *self.agenda]

    def _stick(self, node: CompiledNode, reason: Text) -> None:
        self._drop_token(node.id)
        self._stop_at(node.id, reason)

    def _stop_at(self, node: str, reason: Text) -> None:
        self.stuck[node] = reason
        self._mark(node, state="stuck")
        self.status = INCIDENT
        self.effects.append(EndInstance(self.state.instance, INCIDENT, reason))

    def _end(self, status: str) -> None:
        instance = self.state.instance
        for mark in self.marks.values():
            if mark["state"] in ("doing", "stuck"):
                mark.update(state="skipped", until=self._now)
        self.status, self.tokens, self.agenda, self.stuck = status, {}, [], {}
        self.effects += [CloseTasks(instance), CancelTimers(instance), EndInstance(instance, status)]
        if self.state.initiator is not None and status in _NEWS:
            news = {language: text.format(say(self.flow.title, language)) for language, text in _NEWS[status].items()}
            self.effects.append(Notify((self.state.initiator,), news, "", self.flow.form, self.visit.record.get("id")))
        self._do(status)

    # --- going back ---

    def _go_back(self, node: CompiledNode, target: str | None) -> None:
        to = self._initiators_node() if target is None else self._earlier_node(node, target)
        kept = dict(self.flow.owners(to.id))
        order = self.flow.in_order()
        for each in order[order.index(to.id) :]:
            if not goes_on(self.flow, each, kept):
                self._forget(each)
        self.agenda = [("enter", to.id, 0)]
        self.returning = to.id
        if target is None:
            self._do("returned")

    def _initiators_node(self) -> CompiledNode:
        if self.state.initiator is None:
            raise refusals.no_initiator()
        return self.flow.first

    def _earlier_node(self, node: CompiledNode, target: str) -> CompiledNode:
        for each in returnable(self.flow, self.state, node.id):
            if target in (each.id, each.name):
                return each
        raise refusals.no_way_back()

    def _forget(self, node: str) -> None:
        self.marks.pop(node, None)
        self.stuck.pop(node, None)
        if node in self.tokens:
            self.effects.append(CloseTasks(self.state.instance, node))
            self._drop_token(node)

    # --- small things ---

    def _drop_token(self, node: str) -> None:
        token = self.tokens.pop(node, {})
        self.effects += [CancelTimers(self.state.instance, key) for key in token.get("timers", ())]

    def _do(self, moment: str) -> bool:
        """Ask for what the flow does at this moment; tell whether there was anything."""
        visit = self.visit
        occasion = Occasion(
            app=visit.facts.app,
            form=self.flow.form,
            record_id=visit.record.get("id"),
            record=visit.record,
            facts=visit.as_initiator(),
            key=f"{self.flow.id}:{visit.instance}:{moment}:{visit.now.isoformat()}",
            place=f"{self.flow.id}:{moment}",
        )
        answer = execute_actions(self.flow.on.at(moment), occasion)
        if isinstance(answer, Needs):
            raise Lacking(answer)
        self.effects += answer
        return bool(answer)

    @property
    def _now(self) -> str:
        return moment_text(self.visit.now)

    def _mark(self, node: str, **more: Any) -> None:
        self.marks[node] = {**self.marks.get(node, {}), **more}

    def outcome(self) -> Outcome:
        """Where the instance stands now, and what is to be done."""
        if self.status == INCIDENT and not self.stuck:
            self.status = RUNNING
        state = replace(
            self.state,
            status=self.status,
            tokens=self.tokens,
            marks=self.marks,
            agenda=tuple(self.agenda),
            stuck=self.stuck,
            steps=self.steps,
        )
        return Outcome(state, tuple(self.effects), tuple(self.trace), proceed=bool(self.agenda))


def _after(block: Block, index: int) -> tuple[str, str, int]:
    """What comes after the node at this place: its next neighbour, else the end of the branch."""
    if index + 1 < len(block.nodes):
        return "enter", block.nodes[index + 1].id, 0
    return "end", block.owner or "", block.index


_NEWS = {
    APPROVED: {"en": "{} was approved", "zh": "{}已通过"},
    REJECTED: {"en": "{} was rejected", "zh": "{}被拒绝"},
}
_LOOP_SUSPECTED = {
    "en": "The flow walked 50 steps without coming to rest; a loop is suspected",
    "zh": "流程连续执行了 50 步仍未停下，可能存在循环",
}
