"""Running flows: instances and tasks in the database, moved by the engine, each decision one transaction."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.access import may, visible
from engines.actor import system
from engines.compiled import CompiledApp
from engines.events import FlowStarted, InstanceWithdrawn, TaskDecided, TimerFired
from engines.expressions import Environment, evaluate, moment_of
from engines.expressions.needs import missing_records
from engines.facts import Needs
from engines.flows import CompiledFlow, Retry, State
from engines.flows.state import INCIDENT, OPEN_STATUSES, MemberLeft
from metadata.problems import ROOT, Conflict, NotFound, Problem, Refusal, Refused
from metadata.text import Text
from runtime import transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.effects import ASKED_BY
from runtime.facts import facts_of
from runtime.flows import pinned, task_access
from runtime.flows.checks import (
    OPERATIONS,
    check_comment,
    locked_instance,
    no_instance,
    no_task,
    operations,
    own_task,
    require_filled,
    require_open,
    require_operation,
    require_unchanged,
    require_version,
    require_version_of_task,
    take,
)
from runtime.flows.steps import advance, note, perform, record_of, version_of
from runtime.gathering import answered
from runtime.records.locking import lock_for
from runtime.transaction import Cause

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

log = logging.getLogger("fourfold.flows")

instance, task, decision = tables.flow_instance, tables.task, tables.decision

MOST_LEAVERS_AT_ONCE = 200
PEOPLE_MAY_SUBMIT = "submit"


# --- starting ---


def start(tx: "Tx", app: CompiledApp, flow: str, form: str, record: int, initiator: int | None = None) -> int | None:
    """Start a flow on a record for the platform; None where the same flow runs there already."""
    found = app.flows.get(flow)
    if found is None or not found.enabled:
        return None
    lock_for(tx, app, app.form(form), record, {})  # two starts on one record come one after the other
    if task_access.running(tx, app, form, record, flow=found.id):
        return None
    return _begin(tx, app, found, record, initiator if initiator is not None else _initiator(tx, app, form, record))


def _initiator(tx: "Tx", app: CompiledApp, form: str, record: int) -> int | None:
    """Who counts as the initiator of a flow that a rule starts: who set the rule off, else whose record it is."""
    asked = tx.notes.get(ASKED_BY, tx.actor)
    if asked.member is not None:
        return int(asked.member)
    owner: int | None = record_of(tx, app, form, record).get("owner")
    return owner


def submit(tx: "Tx", app: CompiledApp, flow: str | None, form: str, record: int, version: int | None = None) -> int:
    """Start a flow on a record as a person: the one that is named, else the first that is meant for such a record."""
    compiled = app.form(form)
    may_submit(tx, app, compiled.id, record)
    lock_for(tx, app, compiled, record, {})  # two starts on one record come one after the other
    require_version(tx, app, compiled.id, record, version)
    offered = startable(tx, app, compiled.id, record)
    chosen = offered[0] if flow is None and offered else next((f for f in offered if flow in (f.id, f.name)), None)
    if chosen is None:
        raise Conflict(Problem(ROOT, "flow_not_offered", _NOT_OFFERED, _NOT_OFFERED_HINT))
    if task_access.running(tx, app, compiled.id, record, flow=chosen.id):
        raise Conflict(Problem(ROOT, "already_running", _ALREADY_RUNNING))
    return _begin(tx, app, chosen, record, tx.actor.member)


def startable(tx: "Tx", app: CompiledApp, form: str, record: int) -> list[CompiledFlow]:
    """The flows that people may start on this record, in the order of the definition."""
    found = [f for f in app.flows.values() if f.form == form and f.enabled and f.start == PEOPLE_MAY_SUBMIT]
    conditional = [f.condition for f in found if f.condition is not None]
    if not conditional:
        return found
    values = record_of(tx, app, form, record)

    def ask(facts: Any) -> Any:
        missing = missing_records(conditional, values, facts)
        return Needs(records=missing) if missing else tuple(f for f in found if _meant_for(f, values, facts))

    offered, _ = answered(tx, app, ask, facts_of(tx, app))
    return list(offered)


def _meant_for(flow: CompiledFlow, values: Mapping[str, Any], facts: Any) -> bool:
    return flow.condition is None or evaluate(flow.condition, Environment(record=values, facts=facts)) is True


def may_submit(tx: "Tx", app: CompiledApp, form: str, record: int) -> None:
    """Whether the actor may start flows on this very record: 404 where he does not see it, else 403 if he may not."""
    if not _is_within(tx, app, form, record, "read"):
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such record", "zh": "记录不存在"}))
    if not _is_within(tx, app, form, record, "start_flow"):
        raise Refused(Problem(ROOT, "forbidden", _MAY_NOT_START))


def _is_within(tx: "Tx", app: CompiledApp, form: str, record: int, verb: str) -> bool:
    if not may(app, tx.actor, verb, form):
        return False
    relation = visible(app, tx.actor, form, moment_of(facts_of(tx, app)), tx.dialect, verb)
    one = relation.where(relation.column("id") == record).select({"id": relation.column("id")})
    return tx.connection.scalar(one) is not None


def _begin(tx: "Tx", app: CompiledApp, flow: CompiledFlow, record: int, initiator: int | None) -> int:
    id = new_id()
    state = State(instance=id, initiator=initiator)
    tx.connection.execute(
        sa.insert(instance).values(
            id=id,
            app=app.name,
            flow=flow.id,
            part=pinned.pin(tx, app, flow.id),
            manifest=pinned.manifest_of(tx, app),
            form=flow.form,
            record=record,
            state=state.status,
            position=state.as_json(),
            version=1,
            initiator=initiator,
            started_at=tx.now,
            cause=tx.cause_id,
        )
    )
    note(tx, id, None, flow.first.id, "submit", record=version_of(tx, app, flow.form, record))
    advance(tx, app, flow, state, record, FlowStarted(flow.id, flow.form, record, initiator))
    return id


# --- deciding ---


def decide(
    tx: "Tx",
    app: CompiledApp,
    id: int,
    outcome: str,
    version: int | None,
    comment: str = "",
    values: Mapping[str, Any] | None = None,
    target: str | None = None,
    record_version: int | None = None,
) -> str:
    """Decide a task as its holder; gives the state of the instance afterwards. Exactly one decision wins (S5)."""
    row = locked_instance(tx, own_task(tx, id).instance)
    held = own_task(tx, id)  # read again: nobody else can move it now
    flow = pinned.flow_of(tx, app, row)
    require_operation(held, outcome, comment)
    require_version_of_task(tx, held, version)
    if record_version is not None:
        require_unchanged(tx, app, flow, held, record_version)
    if values:
        _save_values(tx, app, held, values)
    if outcome in ("approve", "resubmit"):
        require_filled(tx, app, flow, held)
    take(tx, held, outcome, comment)
    if outcome == "read":
        return str(row.state)
    note(tx, row.id, id, held.node, outcome, comment, version_of(tx, app, row.form, row.record))
    event = TaskDecided(id, held.node, outcome, held.assignee, comment, target, values or {})
    return advance(tx, app, flow, State.from_json(row.position), row.record, event)


def remark(tx: "Tx", app: CompiledApp, id: int, comment: str) -> None:
    """Say something about a task without deciding it."""
    held = own_task(tx, id)
    require_operation(held, "comment", comment)
    note(tx, held.instance, id, held.node, "comment", comment)


def remark_on_instance(tx: "Tx", id: int, comment: str) -> None:
    """Say something about an instance; the caller has made sure that the actor may see it."""
    check_comment(comment, required=True)
    row = locked_instance(tx, id)
    note(tx, row.id, None, "", "comment", comment)


def withdraw(tx: "Tx", app: CompiledApp, id: int, comment: str = "") -> str:
    """Take a request back as its initiator."""
    row = locked_instance(tx, id)
    if row.initiator != tx.actor.member or row.initiator is None:
        raise no_instance()
    require_open(row)
    check_comment(comment)
    flow = pinned.flow_of(tx, app, row)
    note(tx, id, None, flow.first.id, "withdraw", comment)
    event = InstanceWithdrawn(id, row.initiator, comment)
    return advance(tx, app, flow, State.from_json(row.position), row.record, event)


def retry(tx: "Tx", app: CompiledApp, id: int) -> str:
    """Try an incident once more; for those who keep the app running."""
    row = locked_instance(tx, id)
    if row.state != INCIDENT:
        raise Conflict(Problem(ROOT, "no_incident", {"en": "There is no incident here", "zh": "该流程没有异常"}))
    return advance(tx, app, pinned.flow_of(tx, app, row), State.from_json(row.position), row.record, Retry())


def fire(tx: "Tx", app: CompiledApp, id: int, key: str) -> None:
    """A wait or a time limit is over; nothing happens if the flow has moved on meanwhile."""
    row = locked_instance(tx, id)
    if row.state in OPEN_STATUSES:
        flow = pinned.flow_of(tx, app, row)
        advance(tx, app, flow, State.from_json(row.position), row.record, TimerFired(id, key))


def release_leavers(services: "Services") -> int:
    """Take the tasks of people who have left from them, each in a transaction of its own; gives how many."""
    gone = (
        sa.select(task.c.id, task.c.instance, task.c.app, task.c.node, task.c.assignee)
        .join(tables.member, tables.member.c.id == task.c.assignee)
        .where(task.c.state == "open", task.c.kind != "cc", tables.member.c.active.is_(False))
        .order_by(task.c.id)
        .limit(MOST_LEAVERS_AT_ONCE)
    )
    with services.database.read() as connection:
        rows = connection.execute(gone).all()
    for row in rows:
        cause = Cause(new_id(), "sweep", source="leavers", app=row.app)
        try:
            transaction.run(services, system("leavers"), partial(_release, row=row), cause)
        except Refusal as refusal:
            log.warning("task %s of somebody who left stays: %s", row.id, refusal)
    return len(rows)


def _release(tx: "Tx", row: Any) -> None:
    app = tx.services.apps.live(tx, row.app)
    whole = locked_instance(tx, row.instance)
    if whole.state in OPEN_STATUSES:
        flow, event = pinned.flow_of(tx, app, whole), MemberLeft(row.node, row.assignee)
        advance(tx, app, flow, State.from_json(whole.position), whole.record, event)


def _save_values(tx: "Tx", app: CompiledApp, held: Any, values: Mapping[str, Any]) -> None:
    """Save what the holder filled in; his task, still open, widens his rights and opens its fields in the lock."""
    from runtime import records

    records.save(tx, app, held.form, held.record, values, check_version=False)


_NOT_OFFERED: Text = {"en": "No flow can be started on this record now", "zh": "该记录目前没有可发起的流程"}
_NOT_OFFERED_HINT: Text = {
    "en": "The condition of the flow does not hold for this record, or it is started by a rule",
    "zh": "记录不满足流程的发起条件，或该流程由规则发起",
}
_ALREADY_RUNNING: Text = {"en": "This flow is running on the record already", "zh": "该记录已在此流程中"}
_MAY_NOT_START: Text = {"en": "You may not start flows on this record", "zh": "您没有权限对该记录发起流程"}

__all__ = [
    "OPERATIONS",
    "decide",
    "fire",
    "may_submit",
    "no_instance",
    "no_task",
    "operations",
    "perform",
    "release_leavers",
    "remark",
    "remark_on_instance",
    "retry",
    "start",
    "startable",
    "submit",
    "withdraw",
]
