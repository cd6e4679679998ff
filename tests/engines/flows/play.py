"""A tiny stage for flows: people, one record, tasks and timers in memory, and a clock that tests move."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engines import compile_app
from engines.compiled import CompiledApp
from engines.effects import CancelTimers, CloseTasks, EndInstance, OpenTask, SetFields, SetTimer
from engines.events import FlowStarted, InstanceWithdrawn, TaskDecided, TimerFired
from engines.facts import Facts, Needs
from engines.flows import CompiledFlow, Outcome, Proceed, Retry, State, execute, tree
from engines.flows.state import MemberLeft
from engines.organisation import Department, Organisation, Person
from metadata.language import Language
from runtime import plugins

NAMES = ("ann", "bo", "hui", "li", "max", "eve")
ANN, BO, HUI, LI, MAX, EVE = range(1, 7)

FORM = {
    "id": "t_request",
    "name": "request",
    "fields": [
        {"id": "f_applicant", "name": "applicant", "type": "member"},
        {"id": "f_helpers", "name": "helpers", "type": "member", "multiple": True},
        {"id": "f_amount", "name": "amount", "type": "money"},
        {"id": "f_days", "name": "days", "type": "number", "decimals": 0},
        {"id": "f_due", "name": "due", "type": "date"},
        {"id": "f_note", "name": "note", "type": "text"},
        {"id": "f_kind", "name": "kind", "type": "select", "options": ["annual", "sick", "other"]},
        {"id": "f_state", "name": "state", "type": "select", "options": ["draft", "submitted", "approved", "rejected"]},
        {"id": "f_urgent", "name": "urgent", "type": "yes_no"},
    ],
}
ROLES = ("employee", "hr", "legal", "finance", "nobody")


def definition(*nodes: Mapping[str, Any], **flow: Any) -> dict[str, Any]:
    """An app with one form and one flow of these nodes."""
    return {
        "format": 1,
        "app": "leave",
        "version": "1.0.0",
        "title": "Leave",
        "roles": [{"id": f"r_{name}", "name": name} for name in ROLES],
        "forms": [FORM],
        "flows": [{"id": "w_flow", "name": "flow", "form": "request", "nodes": list(nodes), **flow}],
    }


def compiled(*nodes: Mapping[str, Any], **flow: Any) -> CompiledFlow:
    return app(*nodes, **flow).flows["w_flow"]


def app(*nodes: Mapping[str, Any], **flow: Any) -> CompiledApp:
    kinds = plugins.load()
    return compile_app(Language(kinds).read(definition(*nodes, **flow)), kinds)


def approval(name: str, approvers: Any, **more: Any) -> dict[str, Any]:
    return {"type": "approval", "id": f"n_{name}", "name": name, "approvers": approvers, **more}


def person(number: int, **more: Any) -> Person:
    name = NAMES[number - 1]
    return Person(number, name, f"{name}@example.com", **more)


PEOPLE = Organisation(
    people={
        ANN: person(ANN, department=1, manager=BO, roles={"leave": frozenset({"r_employee"})}),
        BO: person(BO, department=1, roles={"leave": frozenset({"r_employee"})}),
        HUI: person(HUI, department=2, roles={"leave": frozenset({"r_hr"})}),
        LI: person(LI, department=2, roles={"leave": frozenset({"r_hr", "r_legal"})}),
        MAX: person(MAX, department=3, roles={"leave": frozenset({"r_finance"})}),
        EVE: person(EVE, department=3, active=False, roles={"leave": frozenset({"r_finance"})}),
    },
    departments={
        1: Department(1, "Sales", parent=3, head=BO),
        2: Department(2, "People", parent=3, head=HUI),
        3: Department(3, "Company", head=MAX),
    },
)


@dataclass
class Play:
    """One instance on the stage. With `restore` its state goes through JSON between any two steps."""

    flow: CompiledFlow
    restore: bool = False
    record: dict[str, Any] = field(default_factory=dict)
    people: Organisation = PEOPLE
    now: datetime = datetime(2026, 3, 2, 9, tzinfo=UTC)
    state: State = field(default_factory=lambda: State(instance=70))
    open: dict[tuple[str, int], str] = field(default_factory=dict)  # (node name, member) -> kind of task
    timers: dict[str, datetime] = field(default_factory=dict)
    effects: list[Any] = field(default_factory=list)
    trace: list[Mapping[str, Any]] = field(default_factory=list)
    ended: str | None = None

    def start(self, by: int | None = ANN) -> "Play":
        self.record = {"id": 5, "version": 1, "owner": by, "department": 1, "f_applicant": by, **self.record}
        return self._happens(FlowStarted(self.flow.id, self.flow.form, 5, by))

    def decide(self, who: int, outcome: str, node: str, target: str | None = None) -> "Play":
        found = self.flow.node(node)
        assert found is not None
        self.open.pop((node, who), None)
        return self._happens(TaskDecided(1, found.id, outcome, who, target=target))

    def approve(self, who: int, node: str) -> "Play":
        return self.decide(who, "approve", node)

    def withdraw(self, who: int = ANN) -> "Play":
        return self._happens(InstanceWithdrawn(70, who))

    def leave(self, who: int, node: str) -> "Play":
        found = self.flow.node(node)
        assert found is not None
        return self.with_people(member=who, active=False)._happens(MemberLeft(found.id, who))

    def retry(self) -> "Play":
        return self._happens(Retry())

    def pass_time(self, **length: int) -> "Play":
        self.now += timedelta(**length)
        for key, due in sorted(self.timers.items()):
            if due <= self.now:
                self.timers.pop(key)
                self._happens(TimerFired(70, key))
        return self

    def tasks(self) -> set[tuple[str, int]]:
        return {place for place, kind in self.open.items() if kind != "cc"}

    def states(self) -> dict[str, str]:
        """How far each named node is."""
        found: dict[str, str] = {}
        _collect(tree(self.flow, self.state, "en"), found)
        return found

    def _happens(self, event: Any) -> "Play":
        while True:
            if self.restore:
                self.state = State.from_json(json.loads(json.dumps(self.state.as_json())))
            outcome = self._ask(event)
            self.state = outcome.state
            self.trace += outcome.trace
            for effect in outcome.effects:
                self._perform(effect)
            if not outcome.proceed:
                return self
            event = Proceed()

    def _ask(self, event: Any) -> Outcome:
        facts = Facts(now=self.now, organisation=self.people, app="leave")
        answer = execute(self.flow, self.state, event, facts, self.record)
        assert not isinstance(answer, Needs)
        return answer

    def _perform(self, effect: Any) -> None:
        self.effects.append(effect)
        match effect:
            case OpenTask(node=node, assignee=who, kind=kind):
                self.open[(self.flow.nodes[node].name, who)] = kind
            case CloseTasks(node=node, member=member):
                name = self.flow.nodes[node].name if node else None
                for place, kind in list(self.open.items()):
                    if kind != "cc" and name in (None, place[0]) and member in (None, place[1]):
                        del self.open[place]
            case SetTimer(key=key, due=due):
                self.timers[key] = due
            case CancelTimers(key=key):
                self.timers = {each: due for each, due in self.timers.items() if key not in (None, each)}
            case SetFields(values=values):
                self.record |= values
            case EndInstance(state=state):
                self.ended = state

    def with_people(self, **changes: Any) -> "Play":
        """Change one person: with_people(member=BO, active=False)."""
        member = changes.pop("member")
        people = {**self.people.people, member: replace(self.people.people[member], **changes)}
        self.people = replace(self.people, people=people)
        return self


def _collect(boxes: list[dict[str, Any]], found: dict[str, str]) -> None:
    for box in boxes:
        if box["name"]:
            found[box["name"]] = box["state"]
        for branch in box.get("branches", []):
            _collect(branch["nodes"], found)
