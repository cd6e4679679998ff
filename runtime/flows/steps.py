"""One transition of a flow instance: the engine is asked, what it wants is done, and where it now stands is kept."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines import flows as engine
from engines.access import truth
from engines.actor import system
from engines.compiled import CompiledApp
from engines.effects import CloseTasks, Effect, EndInstance, OpenTask
from engines.expressions import moment_of
from engines.flows import CompiledFlow, Outcome, Proceed, State
from engines.flows.state import INCIDENT, FlowEvent
from metadata.problems import ROOT, NotFound, Problem
from metadata.text import Text
from runtime import effects as gate
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.effect_json import write_value
from runtime.facts import facts_of
from runtime.gathering import answered
from runtime.reading import masked_records

if TYPE_CHECKING:
    from runtime.transaction import Tx

instance, task, decision = tables.flow_instance, tables.task, tables.decision


def advance(tx: "Tx", app: CompiledApp, flow: CompiledFlow, state: State, record: int, event: FlowEvent) -> str:
    """Let the engine take the instance on, do what it asks for, and keep where it stands."""
    while True:
        outcome = _ask(tx, app, flow, state, record, event)
        state, event = outcome.state, Proceed()
        _keep(tx, state)
        _remember(tx, app, flow, record, outcome)
        with _as_platform(tx, flow):
            gate.perform(tx, app, outcome.effects)
        if not outcome.proceed:
            return state.status


def _ask(tx: "Tx", app: CompiledApp, flow: CompiledFlow, state: State, record: int, event: FlowEvent) -> Outcome:
    values = record_of(tx, app, flow.form, record)
    facts = facts_of(tx, app, system(f"flow:{flow.id}"))
    answer, _ = answered(tx, app, lambda known: engine.execute(flow, state, event, known, values), facts, record)
    return answer


def record_of(tx: "Tx", app: CompiledApp, form: str, record: int) -> Mapping[str, Any]:
    """The record as it truly is."""
    found = masked_records(tx, app, form, [record], actor=system("flow"))
    if record not in found:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such record", "zh": "记录不存在"}))
    return found[record]


def version_of(tx: "Tx", app: CompiledApp, form: str, record: int) -> int | None:
    relation = truth(app, form, moment_of(facts_of(tx, app)), tx.dialect)
    one = relation.where(relation.column("id") == record).select({"version": relation.column("version")})
    version = tx.connection.scalar(one)
    return None if version is None else int(version)


def _keep(tx: "Tx", state: State) -> None:
    tx.connection.execute(
        sa.update(instance)
        .where(instance.c.id == state.instance)
        .values(state=state.status, position=state.as_json(), version=instance.c.version + 1)
    )


def _remember(tx: "Tx", app: CompiledApp, flow: CompiledFlow, record: int, outcome: Outcome) -> None:
    """Store what the engine looked at, as rules do, under the cause of this transaction."""
    looked = [each for step in outcome.trace for each in step.get("looked", ())]
    detail = {
        "name": flow.name,
        "terms": [
            {
                "text": each["if"],
                "value": each["holds"],
                "reads": [[path.split("."), value] for path, value in each["terms"].items()],
            }
            for each in looked
        ],
        "actions": [_step(flow, each) for each in outcome.trace],
        "reason": next(iter(outcome.state.stuck.values()), ""),
    }
    if outcome.trace:
        tx.traces.append(
            {
                "id": new_id(),
                "app": app.name,
                "rule": flow.id,
                "rule_part": str(outcome.state.instance),
                "form": flow.form,
                "record": record,
                "event": "flow",
                "outcome": outcome.state.status,
                "detail": write_value(detail),
                "at": tx.now,
            }
        )


def _step(flow: CompiledFlow, step: Mapping[str, Any]) -> str:
    """One step in short: which node, and how it went on."""
    return f"{flow.nodes[step['node']].name or step['kind']}: {step.get('outcome') or step['step']}"


@contextmanager
def _as_platform(tx: "Tx", flow: CompiledFlow) -> Iterator[None]:
    """What a flow does, the platform does; who decided stays the cause of it."""
    with gate.acting_as(tx, system(f"flow:{flow.id}")):
        yield


def perform(tx: "Tx", app: CompiledApp, effect: Effect) -> None:
    """Open and close tasks, end instances: the effects that only flows ask for."""
    PERFORMERS[type(effect)](tx, app, effect)


def _open_task(tx: "Tx", app: CompiledApp, effect: OpenTask) -> None:
    row = tx.connection.execute(sa.select(instance).where(instance.c.id == effect.instance)).one()
    tx.connection.execute(
        sa.insert(task).values(
            id=new_id(),
            instance=effect.instance,
            app=app.name,
            flow=row.flow,
            form=row.form,
            record=row.record,
            node=effect.node,
            kind=effect.kind,
            title=_in_languages(effect.title),
            assignee=effect.assignee,
            state="open",
            version=1,
            opened_at=tx.now,
            due_at=effect.due,
        )
    )


def _close_tasks(tx: "Tx", app: CompiledApp, effect: CloseTasks) -> None:
    """Close open tasks; copies stay until they are read."""
    chosen = sa.update(task).where(task.c.instance == effect.instance, task.c.state == "open", task.c.kind != "cc")
    for column, value in ((task.c.node, effect.node), (task.c.id, effect.task), (task.c.assignee, effect.member)):
        if value is not None:
            chosen = chosen.where(column == value)
    tx.connection.execute(
        chosen.values(state="closed", outcome=effect.outcome, closed_at=tx.now, version=task.c.version + 1)
    )


def _end_instance(tx: "Tx", app: CompiledApp, effect: EndInstance) -> None:
    if effect.state != INCIDENT:
        tx.connection.execute(sa.update(instance).where(instance.c.id == effect.instance).values(ended_at=tx.now))


PERFORMERS: Mapping[type, Callable[["Tx", CompiledApp, Any], None]] = {
    OpenTask: _open_task,
    CloseTasks: _close_tasks,
    EndInstance: _end_instance,
}


def _in_languages(text: Text) -> Text:
    return text if isinstance(text, dict) else {"en": text}


def note(
    tx: "Tx",
    instance_id: int,
    task_id: int | None,
    node: str,
    outcome: str,
    comment: str = "",
    record: int | None = None,
) -> None:
    """Write a decision down; these rows are never changed."""
    tx.connection.execute(
        sa.insert(decision).values(
            id=new_id(),
            instance=instance_id,
            task=task_id,
            node=node,
            member=tx.actor.member,
            outcome=outcome,
            comment=comment or None,
            record_version=record,
            at=tx.now,
            cause=tx.cause_id,
        )
    )
