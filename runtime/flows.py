"""Running flows: instances and tasks in the database, moved by the engine, each decision one transaction."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines import flows as engine
from engines.access import may, truth, visible
from engines.actor import system
from engines.compiled import CompiledApp
from engines.effects import CloseTasks, Effect, EndInstance, OpenTask
from engines.events import FlowStarted, InstanceWithdrawn, TaskDecided, TimerFired
from engines.expressions import Environment, evaluate, moment_of
from engines.expressions.needs import missing_records
from engines.facts import Needs
from engines.flows import CompiledFlow, Outcome, Proceed, Retry, State
from engines.flows.execute import FlowEvent
from engines.flows.state import INCIDENT, OPEN_STATUSES, MemberLeft
from metadata.problems import ROOT, Conflict, Invalid, NotFound, Path, Problem, Refusal, Refused
from metadata.text import Text
from runtime import effects as gate
from runtime import flow_access, pinned, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.effect_json import write_value
from runtime.gathering import answered
from runtime.locking import lock_for
from runtime.question import facts_of
from runtime.reading import masked_records
from runtime.transaction import Cause

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

log = logging.getLogger("fourfold.flows")

instance, task, decision = tables.flow_instance, tables.task, tables.decision

MAXIMUM_COMMENT = 4_000
MOST_LEAVERS_AT_ONCE = 200
OPERATIONS = ("approve", "reject", "return", "resubmit", "comment", "read")
PEOPLE_MAY_SUBMIT = "submit"


# --- starting ---


def start(tx: "Tx", app: CompiledApp, flow: str, form: str, record: int, initiator: int | None = None) -> int | None:
    """Start a flow on a record for the platform; None where the same flow runs there already."""
    found = app.flows.get(flow)
    if found is None or not found.enabled:
        return None
    lock_for(tx, app, app.form(form), record, {})  # two starts on one record come one after the other
    if flow_access.running(tx, app, form, record, flow=found.id):
        return None
    by = initiator if initiator is not None else tx.actor.member
    return _begin(tx, app, found, record, by)


def submit(tx: "Tx", app: CompiledApp, flow: str | None, form: str, record: int, version: int | None = None) -> int:
    """Start a flow on a record as a person: the one that is named, else the first that is meant for such a record."""
    compiled = app.form(form)
    may_submit(tx, app, compiled.id, record)
    lock_for(tx, app, compiled, record, {})  # two starts on one record come one after the other
    _require_version(tx, app, compiled.id, record, version)
    offered = startable(tx, app, compiled.id, record)
    chosen = offered[0] if flow is None and offered else next((f for f in offered if flow in (f.id, f.name)), None)
    if chosen is None:
        raise Conflict(Problem(ROOT, "flow_not_offered", _NOT_OFFERED, _NOT_OFFERED_HINT))
    if flow_access.running(tx, app, compiled.id, record, flow=chosen.id):
        raise Conflict(Problem(ROOT, "already_running", _ALREADY_RUNNING))
    return _begin(tx, app, chosen, record, tx.actor.member)


def startable(tx: "Tx", app: CompiledApp, form: str, record: int) -> list[CompiledFlow]:
    """The flows that people may start on this record, in the order of the definition."""
    found = [f for f in app.flows.values() if f.form == form and f.enabled and f.start == PEOPLE_MAY_SUBMIT]
    conditional = [f.condition for f in found if f.condition is not None]
    if not conditional:
        return found
    values = _record(tx, app, form, record)

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
    _note(tx, id, None, flow.first.id, "submit", record=_version_of(tx, app, flow.form, record))
    _advance(tx, app, flow, state, record, FlowStarted(flow.id, flow.form, record, initiator))
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
    row = _locked_instance(tx, _own_task(tx, id).instance)
    held = _own_task(tx, id)  # read again: nobody else can move it now
    flow = pinned.flow_of(tx, app, row)
    _require_operation(held, outcome, comment)
    _require_version_of_task(tx, held, version)
    if record_version is not None:
        _require_unchanged(tx, app, flow, held, record_version)
    if values:
        _save_values(tx, app, held, values)
    if outcome in ("approve", "resubmit"):
        _require_filled(tx, app, flow, held)
    _take(tx, held, outcome, comment)
    if outcome == "read":
        return str(row.state)
    _note(tx, row.id, id, held.node, outcome, comment, _version_of(tx, app, row.form, row.record))
    event = TaskDecided(id, held.node, outcome, held.assignee, comment, target, values or {})
    return _advance(tx, app, flow, State.from_json(row.position), row.record, event)


def remark(tx: "Tx", app: CompiledApp, id: int, comment: str) -> None:
    """Say something about a task without deciding it."""
    held = _own_task(tx, id)
    _require_operation(held, "comment", comment)
    _note(tx, held.instance, id, held.node, "comment", comment)


def remark_on_instance(tx: "Tx", id: int, comment: str) -> None:
    """Say something about an instance; the caller has made sure that the actor may see it."""
    _check_comment(comment, required=True)
    row = _locked_instance(tx, id)
    _note(tx, row.id, None, "", "comment", comment)


def withdraw(tx: "Tx", app: CompiledApp, id: int, comment: str = "") -> str:
    """Take a request back as its initiator."""
    row = _locked_instance(tx, id)
    if row.initiator != tx.actor.member or row.initiator is None:
        raise no_instance()
    _require_open(row)
    _check_comment(comment)
    flow = pinned.flow_of(tx, app, row)
    _note(tx, id, None, flow.first.id, "withdraw", comment)
    event = InstanceWithdrawn(id, row.initiator, comment)
    return _advance(tx, app, flow, State.from_json(row.position), row.record, event)


def retry(tx: "Tx", app: CompiledApp, id: int) -> str:
    """Try an incident once more; for those who keep the app running."""
    row = _locked_instance(tx, id)
    if row.state != INCIDENT:
        raise Conflict(Problem(ROOT, "no_incident", {"en": "There is no incident here", "zh": "该流程没有异常"}))
    return _advance(tx, app, pinned.flow_of(tx, app, row), State.from_json(row.position), row.record, Retry())


def fire(tx: "Tx", app: CompiledApp, id: int, key: str) -> None:
    """A wait or a time limit is over; nothing happens if the flow has moved on meanwhile."""
    row = _locked_instance(tx, id)
    if row.state in OPEN_STATUSES:
        flow = pinned.flow_of(tx, app, row)
        _advance(tx, app, flow, State.from_json(row.position), row.record, TimerFired(id, key))


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
    whole = _locked_instance(tx, row.instance)
    if whole.state in OPEN_STATUSES:
        flow, event = pinned.flow_of(tx, app, whole), MemberLeft(row.node, row.assignee)
        _advance(tx, app, flow, State.from_json(whole.position), whole.record, event)


# --- one transition ---


def _advance(tx: "Tx", app: CompiledApp, flow: CompiledFlow, state: State, record: int, event: FlowEvent) -> str:
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
    values = _record(tx, app, flow.form, record)
    facts = facts_of(tx, app, system(f"flow:{flow.id}"))
    answer, _ = answered(tx, app, lambda known: engine.execute(flow, state, event, known, values), facts, record)
    return answer


def _record(tx: "Tx", app: CompiledApp, form: str, record: int) -> Mapping[str, Any]:
    """The record as it truly is."""
    found = masked_records(tx, app, form, [record], actor=system("flow"))
    if record not in found:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such record", "zh": "记录不存在"}))
    return found[record]


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
    before, tx.actor = tx.actor, system(f"flow:{flow.id}")
    try:
        yield
    finally:
        tx.actor = before


# --- effects that are about tasks and instances ---


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


# --- what a decision must meet ---


def _own_task(tx: "Tx", id: int) -> Any:
    """The actor's own task; anybody else's does not exist for him."""
    row = tx.connection.execute(sa.select(task).where(task.c.id == id)).first()
    if row is None or row.assignee != tx.actor.member:
        raise no_task()
    return row


def _locked_instance(tx: "Tx", id: int) -> Any:
    found = sa.select(instance).where(instance.c.id == id)
    if tx.database.is_postgresql:
        found = found.with_for_update(key_share=True)
    row = tx.connection.execute(found).first()
    if row is None:
        raise no_instance()
    return row


def _require_open(row: Any) -> None:
    if row.state not in OPEN_STATUSES:
        message = {"en": "This flow is over", "zh": "该流程已结束"}
        raise Conflict(Problem(ROOT, "instance_ended", message), state=row.state)


def _require_operation(held: Any, outcome: str, comment: str) -> None:
    """Each kind of task has its operations; anything else is a mistake of the caller."""
    possible = operations(held.kind)
    if outcome not in possible:
        message = {
            "en": f"This task cannot be answered with “{outcome}”",
            "zh": f"该任务不支持操作“{outcome}”",
        }
        hint = {"en": "Possible: " + ", ".join(possible), "zh": "可用操作:" + "、".join(possible)}
        raise Invalid(Problem(ROOT / "operation", "wrong_operation", message, hint))
    _check_comment(comment, required=outcome == "comment")


def operations(kind: str) -> tuple[str, ...]:
    """What the holder of a task of this kind may do with it."""
    return {
        "approval": ("approve", "reject", "return", "comment"),
        "resubmit": ("resubmit", "comment"),
        "cc": ("read", "comment"),
    }.get(kind, ())


def _check_comment(comment: str, required: bool = False) -> None:
    if required and not comment.strip():
        raise Invalid(Problem(ROOT / "comment", "required", {"en": "Say something", "zh": "请填写意见"}))
    if len(comment) > MAXIMUM_COMMENT or "\x00" in comment:
        message = {
            "en": f"A comment has at most {MAXIMUM_COMMENT:,} characters",
            "zh": f"意见最多 {MAXIMUM_COMMENT} 个字符",
        }
        raise Invalid(Problem(ROOT / "comment", "too_long", message))


def _require_version_of_task(tx: "Tx", held: Any, version: int | None) -> None:
    if version is None:
        message = {"en": "Say which version of the task you decide on", "zh": "请提供任务的版本号"}
        raise Conflict(Problem(ROOT / "version", "version_required", message), status=428)
    if held.state != "open" or held.version != version:
        raise _too_late(tx, held.id)


def _take(tx: "Tx", held: Any, outcome: str, comment: str) -> None:
    """Close the task by compare-and-swap: of two decisions at once exactly one comes through."""
    taken = tx.connection.execute(
        sa.update(task)
        .where(task.c.id == held.id, task.c.state == "open", task.c.version == held.version)
        .values(
            state="done",
            outcome=outcome,
            decided_by=tx.actor.member,
            comment=comment or None,
            closed_at=tx.now,
            version=task.c.version + 1,
        )
    )
    if taken.rowcount != 1:
        raise _too_late(tx, held.id)
    flow_access.forget(tx)


def _too_late(tx: "Tx", id: int) -> Conflict:
    """Who was first, when, and what he decided."""
    row = tx.connection.execute(sa.select(task).where(task.c.id == id)).one()
    if row.state == "open":
        message = {"en": "The task has changed; load it again", "zh": "任务已变化,请刷新"}
        return Conflict(Problem(ROOT, "version_conflict", message), status=412, current_version=row.version)
    if row.state == "done":
        by, at, outcome = row.decided_by, row.closed_at, row.outcome
    else:
        last = _last_decision(tx, row)
        by, at, outcome = (last.member, last.at, last.outcome) if last else (None, row.closed_at, row.outcome)
    code, words = ("already_decided", _ALREADY_DECIDED) if row.state == "done" else ("node_closed", _NODE_CLOSED)
    person = tx.organisation.people.get(by) if by is not None else None
    who = {"id": str(by), "name": person.name if person else ""} if by is not None else None
    return Conflict(Problem(ROOT, code, words), by=who, at=at, outcome=outcome)


def _last_decision(tx: "Tx", row: Any) -> Any:
    return tx.connection.execute(
        sa.select(decision)
        .where(decision.c.instance == row.instance, decision.c.outcome != "comment")
        .order_by(decision.c.at.desc(), decision.c.id.desc())
        .limit(1)
    ).first()


def _require_unchanged(tx: "Tx", app: CompiledApp, flow: CompiledFlow, held: Any, seen: int) -> None:
    """Refuse a decision about a record of which what the holder can see has changed since he looked."""
    now = _version_of(tx, app, held.form, held.record)
    if now == seen:
        return
    history = tables.record_version
    rows = tx.connection.execute(
        sa.select(history.c.changed).where(
            history.c.app == app.name,
            history.c.form == held.form,
            history.c.record == held.record,
            history.c.version > seen,
        )
    )
    changed = {field for row in rows for field in row.changed}
    node = flow.nodes.get(held.node)
    fields = app.forms[held.form].fields
    rights = node.rights if node is not None else None
    watched = [each for each in changed if each in fields and (rights is None or rights.mode(each) != "hidden")]
    if watched:
        names = sorted(fields[each].name for each in watched)
        raise Conflict(Problem(ROOT, "record_changed", _RECORD_CHANGED), changed_fields=names, current_version=now)


def _version_of(tx: "Tx", app: CompiledApp, form: str, record: int) -> int | None:
    relation = truth(app, form, moment_of(facts_of(tx, app)), tx.dialect)
    one = relation.where(relation.column("id") == record).select({"version": relation.column("version")})
    version = tx.connection.scalar(one)
    return None if version is None else int(version)


def _require_version(tx: "Tx", app: CompiledApp, form: str, record: int, version: int | None) -> None:
    current = _version_of(tx, app, form, record)
    if version is not None and version != current:
        message = {"en": "The record has changed; look at it again", "zh": "记录已变化,请重新查看"}
        raise Conflict(Problem(ROOT, "version_conflict", message), status=412, current_version=current)


def _save_values(tx: "Tx", app: CompiledApp, held: Any, values: Mapping[str, Any]) -> None:
    """Save what the holder filled in; his task, still open, widens his rights and opens its fields in the lock."""
    from runtime import records

    records.save(tx, app, held.form, held.record, values, check_version=False)


def _require_filled(tx: "Tx", app: CompiledApp, flow: CompiledFlow, held: Any) -> None:
    """The fields that this node requires must hold something before it can be approved."""
    node = flow.nodes.get(held.node)
    required = node.rights.required if node is not None and node.rights is not None else frozenset()
    if not required:
        return
    record, fields = _record(tx, app, held.form, held.record), app.forms[held.form].fields
    blank = [each for each in sorted(required) if each in fields and record.get(each) in (None, "", (), [])]
    if blank:
        raise Invalid(*[Problem(Path(("values", fields[each].name)), "required", _REQUIRED) for each in blank])


def _note(
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


def no_task() -> NotFound:
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such task", "zh": "任务不存在"}))


def no_instance() -> NotFound:
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such flow instance", "zh": "流程实例不存在"}))


_NOT_OFFERED: Text = {"en": "No flow can be started on this record now", "zh": "该记录目前没有可发起的流程"}
_NOT_OFFERED_HINT: Text = {
    "en": "The condition of the flow does not hold for this record, or it is started by a rule",
    "zh": "记录不满足流程的发起条件,或该流程由规则发起",
}
_ALREADY_RUNNING: Text = {"en": "This flow is running on the record already", "zh": "该记录已在此流程中"}
_MAY_NOT_START: Text = {"en": "You may not start flows on this record", "zh": "您没有权限对该记录发起流程"}
_ALREADY_DECIDED: Text = {"en": "This task has been decided already", "zh": "该任务已处理"}
_NODE_CLOSED: Text = {"en": "This step has been decided by others meanwhile", "zh": "该步骤已由他人处理完毕"}
_RECORD_CHANGED: Text = {
    "en": "The record has changed since you looked at it; look again before you decide",
    "zh": "您查看之后记录已被修改,请重新查看后再处理",
}
_REQUIRED: Text = {"en": "This must be filled in before the step can be approved", "zh": "同意之前必须填写此项"}

__all__ = [
    "decide",
    "fire",
    "may_submit",
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
