"""What somebody does in a story: each deed goes the way a person's request goes."""

from typing import Any

from builder_api.stories.untrue import not_so
from metadata.problems import Refusal
from metadata.stories import Step
from runtime import records
from runtime.cast import Cast
from runtime.flows import instances

OUTCOMES = {"approves": "approve", "rejects": "reject", "returns": "return"}


def do(cast: Cast, step: Step) -> None:
    """Somebody acts; where the story says that it is refused, it must be, and for that reason."""
    try:
        DEEDS[str(step.does)](cast, step)
    except Refusal as refusal:
        codes = {refusal.code, *(problem.code for problem in refusal.problems)}
        if step.refused is None:
            raise
        if step.refused != "any" and step.refused not in codes:
            told = ", ".join(sorted(codes))
            raise not_so(f"it was refused for another reason ({told})", f"被拒绝的原因是另一个（{told}）") from refusal
        return
    if step.refused is not None:
        raise not_so("it was not refused", "操作没有被拒绝")


def _saves(cast: Cast, step: Step) -> None:
    known = step.record is not None
    cast.save(str(step.who), step.form, step.values or {}, step.record if known else step.as_, known)


def _deletes(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        records.delete(tx, app, form, id, check_version=False)


def _restores(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        records.restore(tx, app, form, id)


def _submits(cast: Cast, step: Step) -> None:
    """Start a flow; what was returned to the person is submitted again."""
    who, record = str(step.who), str(step.record)
    returned = [task for task in cast.open_tasks(who, record=record) if task.kind == "resubmit"]
    if returned and step.flow is None:
        cast.decide(who, "resubmit", returned[0], step.values or {}, step.comment or "")
    else:
        cast.submit(who, record, step.flow)


def _decides(cast: Cast, step: Step) -> None:
    outcome = OUTCOMES[str(step.does)]
    cast.decide(str(step.who), outcome, _open_task(cast, step), step.values or {}, step.comment or "", target=step.to)


def _open_task(cast: Cast, step: Step) -> Any:
    who, node = str(step.who), f"“{step.task}”" if step.task else ""
    tasks = cast.open_tasks(who, step.task, step.record)
    if not tasks:
        raise not_so(f"{who} has no open task {node}".rstrip(), f"{who} 没有待办{node}")
    return tasks[0]


def _withdraws(cast: Cast, step: Step) -> None:
    running = cast.flows_of(str(step.record))
    if not running:
        raise not_so("the flow was not started", "流程尚未启动")
    with cast.acting(str(step.who)) as (tx, app):
        instances.withdraw(tx, app, running[0].id, step.comment or "")


def _comments(cast: Cast, step: Step) -> None:
    task = _open_task(cast, step)
    with cast.acting(str(step.who)) as (tx, app):
        instances.remark(tx, app, task.id, step.comment or step.text or "")


def _assigns(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        owner = cast.person(step.to) if step.to is not None else None
        records.assign(tx, app, form, id, owner, check_version=False)


DEEDS = {
    "saves": _saves,
    "deletes": _deletes,
    "restores": _restores,
    "submits": _submits,
    "approves": _decides,
    "rejects": _decides,
    "returns": _decides,
    "withdraws": _withdraws,
    "comments": _comments,
    "assigns": _assigns,
}
