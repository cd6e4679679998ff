"""What a decision about a task must meet, and the answers to those that do not."""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp
from engines.flows import CompiledFlow
from engines.flows.state import OPEN_STATUSES
from metadata.problems import ROOT, Conflict, Invalid, NotFound, Path, Problem
from metadata.text import Text
from runtime.db import tables
from runtime.flows import task_access
from runtime.flows.steps import record_of, version_of

if TYPE_CHECKING:
    from runtime.transaction import Tx

MAXIMUM_COMMENT = 4_000
OPERATIONS = ("approve", "reject", "return", "resubmit", "comment", "read")

instance, task, decision = tables.flow_instance, tables.task, tables.decision


def own_task(tx: "Tx", id: int) -> Any:
    """The actor's own task; anybody else's does not exist for him."""
    row = tx.connection.execute(sa.select(task).where(task.c.id == id)).first()
    if row is None or row.assignee != tx.actor.member:
        raise no_task()
    return row


def locked_instance(tx: "Tx", id: int) -> Any:
    found = sa.select(instance).where(instance.c.id == id)
    if tx.database.is_postgresql:
        found = found.with_for_update(key_share=True)
    row = tx.connection.execute(found).first()
    if row is None:
        raise no_instance()
    return row


def require_open(row: Any) -> None:
    if row.state not in OPEN_STATUSES:
        message = {"en": "This flow is over", "zh": "该流程已结束"}
        raise Conflict(Problem(ROOT, "instance_ended", message), state=row.state)


def require_operation(held: Any, outcome: str, comment: str) -> None:
    """Each kind of task has its operations; anything else is a mistake of the caller."""
    possible = operations(held.kind)
    if outcome not in possible:
        message = {
            "en": f"This task cannot be answered with “{outcome}”",
            "zh": f"该任务不支持操作“{outcome}”",
        }
        hint = {"en": "Possible: " + ", ".join(possible), "zh": "可用操作：" + "、".join(possible)}
        raise Invalid(Problem(ROOT / "operation", "wrong_operation", message, hint))
    check_comment(comment, required=outcome == "comment")


def operations(kind: str) -> tuple[str, ...]:
    """What the holder of a task of this kind may do with it."""
    return {
        "approval": ("approve", "reject", "return", "comment"),
        "resubmit": ("resubmit", "comment"),
        "cc": ("read", "comment"),
    }.get(kind, ())


def check_comment(comment: str, required: bool = False) -> None:
    if required and not comment.strip():
        raise Invalid(Problem(ROOT / "comment", "required", {"en": "Say something", "zh": "请填写意见"}))
    if len(comment) > MAXIMUM_COMMENT or "\x00" in comment:
        message = {
            "en": f"A comment has at most {MAXIMUM_COMMENT:,} characters",
            "zh": f"意见最多 {MAXIMUM_COMMENT} 个字符",
        }
        raise Invalid(Problem(ROOT / "comment", "too_long", message))


def require_version_of_task(tx: "Tx", held: Any, version: int | None) -> None:
    if version is None:
        message = {"en": "Say which version of the task you decide on", "zh": "请提供任务的版本号"}
        raise Conflict(Problem(ROOT / "version", "version_required", message), status=428)
    if held.state != "open" or held.version != version:
        raise _too_late(tx, held.id)


def take(tx: "Tx", held: Any, outcome: str, comment: str) -> None:
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
    task_access.forget(tx)


def _too_late(tx: "Tx", id: int) -> Conflict:
    """Who was first, when, and what he decided."""
    row = tx.connection.execute(sa.select(task).where(task.c.id == id)).one()
    if row.state == "open":
        message = {"en": "The task has changed; load it again", "zh": "任务已变化，请刷新"}
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


def require_unchanged(tx: "Tx", app: CompiledApp, flow: CompiledFlow, held: Any, seen: int) -> None:
    """Refuse a decision about a record of which what the holder can see has changed since he looked."""
    now = version_of(tx, app, held.form, held.record)
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


def require_version(tx: "Tx", app: CompiledApp, form: str, record: int, version: int | None) -> None:
    current = version_of(tx, app, form, record)
    if version is not None and version != current:
        message = {"en": "The record has changed; look at it again", "zh": "记录已变化，请重新查看"}
        raise Conflict(Problem(ROOT, "version_conflict", message), status=412, current_version=current)


def require_filled(tx: "Tx", app: CompiledApp, flow: CompiledFlow, held: Any) -> None:
    """The fields that this node requires must hold something before it can be approved."""
    node = flow.nodes.get(held.node)
    required = node.rights.required if node is not None and node.rights is not None else frozenset()
    if not required:
        return
    record, fields = record_of(tx, app, held.form, held.record), app.forms[held.form].fields
    blank = [each for each in sorted(required) if each in fields and record.get(each) in (None, "", (), [])]
    if blank:
        raise Invalid(*[Problem(Path(("values", fields[each].name)), "required", _REQUIRED) for each in blank])


def no_task() -> NotFound:
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such task", "zh": "任务不存在"}))


def no_instance() -> NotFound:
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such flow instance", "zh": "流程实例不存在"}))


_ALREADY_DECIDED: Text = {"en": "This task has been decided already", "zh": "该任务已处理"}
_NODE_CLOSED: Text = {"en": "This step has been decided by others meanwhile", "zh": "该步骤已由他人处理完毕"}
_RECORD_CHANGED: Text = {
    "en": "The record has changed since you looked at it; look again before you decide",
    "zh": "您查看之后记录已被修改，请重新查看后再处理",
}
_REQUIRED: Text = {"en": "This must be filled in before the step can be approved", "zh": "同意之前必须填写此项"}
