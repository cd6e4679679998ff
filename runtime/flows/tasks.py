"""What people have to do: their tasks, in lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from engines.compiled import CompiledApp
from metadata.problems import NotFound
from metadata.text import say
from runtime.db import tables
from runtime.flows.progress import Person, labels_in, person

if TYPE_CHECKING:
    from runtime.transaction import Tx

Box = Literal["todo", "done", "started", "copies"]
Order = Literal["oldest", "urgent", "newest"]
BOXES: tuple[Box, ...] = ("todo", "done", "started", "copies")
PAGE_SIZE = 50
LARGEST_PAGE = 200

instance, task, decision = tables.flow_instance, tables.task, tables.decision


@dataclass(frozen=True)
class TaskLine:
    """A task in a list: what is to be done, about which record, since when, until when, started by whom."""

    id: int
    version: int
    app: str
    flow: str
    flow_title: str
    form: str
    form_title: str
    record: int
    label: str
    node: str
    title: str
    kind: str
    state: str
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    comment: str | None
    initiator: Person | None
    instance: int
    instance_state: str

    def is_overdue(self, now: datetime) -> bool:
        return self.state == "open" and self.due_at is not None and self.due_at < now


@dataclass(frozen=True)
class Lines:
    """One page of tasks, and how many there are."""

    items: tuple[TaskLine, ...]
    total: int
    page: int
    size: int

    @property
    def has_more(self) -> bool:
        return self.page * self.size < self.total


def tasks(
    tx: "Tx",
    box: Box,
    page: int = 1,
    size: int = PAGE_SIZE,
    app: str | None = None,
    flow: str | None = None,
    order: Order = "oldest",
) -> Lines:
    """The actor's tasks: to do, done by him, of flows that he started, or copies for him; of one app or flow if wanted.

    What is to be done comes in the order asked for, everything else the latest first.
    """
    if tx.actor.member is None:
        return Lines((), 0, page, size)
    found = _in_box(box, tx.actor.member)
    if app is not None:
        found = found.where(task.c.app == app)
    if flow is not None:
        found = found.where(task.c.flow == flow)
    total = tx.connection.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    ordered = found.order_by(*_order(box, order), task.c.id)
    rows = tx.connection.execute(ordered.limit(size).offset((page - 1) * size)).all()
    return Lines(tuple(task_lines(tx, rows)), total, page, size)


def _order(box: Box, order: Order) -> list[sa.ColumnElement[Any]]:
    if box != "todo":
        return [sa.func.coalesce(task.c.closed_at, task.c.opened_at).desc()]
    if order == "newest":
        return [task.c.opened_at.desc()]
    first = [sa.case((task.c.due_at.is_(None), 1), else_=0), task.c.due_at] if order == "urgent" else []
    return [*first, task.c.opened_at]


@dataclass(frozen=True)
class FlowCount:
    """How many tasks of a box belong to a flow."""

    app: str
    flow: str
    title: str
    count: int


def flows_in(tx: "Tx", box: Box) -> list[FlowCount]:
    """The flows that a box of the actor holds tasks of, the fullest first."""
    if tx.actor.member is None:
        return []
    mine = _in_box(box, tx.actor.member).subquery()
    counted = sa.select(mine.c.app, mine.c.flow, sa.func.count().label("number")).group_by(mine.c.app, mine.c.flow)
    rows = sorted(tx.connection.execute(counted).all(), key=lambda row: (-row.number, row.app, row.flow))
    return [FlowCount(row.app, row.flow, _flow_title(tx, row.app, row.flow), row.number) for row in rows]


def _flow_title(tx: "Tx", app: str, flow: str) -> str:
    compiled = _live(tx, app)
    found = compiled.flows.get(flow) if compiled is not None else None
    return say(found.title, tx.actor.language) if found is not None else flow


def count_todo(tx: "Tx") -> int:
    """How much waits for the actor."""
    mine = sa.select(sa.func.count()).where(task.c.assignee == tx.actor.member, task.c.state == "open")
    return int(tx.connection.scalar(mine.where(task.c.kind != "cc")) or 0)


def open_on(tx: "Tx", app: CompiledApp, form: str, record: int) -> int | None:
    """The task about a record that waits for the actor."""
    mine = (task.c.assignee == tx.actor.member) & (task.c.state == "open") & (task.c.kind != "cc")
    about = (task.c.app == app.name) & (task.c.form == form) & (task.c.record == record)
    return tx.connection.scalar(sa.select(task.c.id).where(mine, about).order_by(task.c.id).limit(1))


def _in_box(box: Box, member: int) -> sa.Select[Any]:
    found = sa.select(task, instance.c.initiator, instance.c.state.label("instance_state"), instance.c.part).join(
        instance, instance.c.id == task.c.instance
    )
    match box:
        case "todo":
            return found.where(task.c.assignee == member, task.c.state == "open", task.c.kind != "cc")
        case "done":
            return found.where(task.c.decided_by == member, task.c.state == "done", task.c.kind != "cc")
        case "copies":
            return found.where(task.c.assignee == member, task.c.kind == "cc")
        case "started":
            every = task.alias()
            latest = sa.select(sa.func.max(every.c.id)).where(every.c.instance == instance.c.id, every.c.kind != "cc")
            return found.where(instance.c.initiator == member, task.c.id == latest.scalar_subquery())


def task_lines(tx: "Tx", rows: Iterable[Any]) -> list[TaskLine]:
    """Lines with their titles and labels; one query for the labels of each form."""
    rows = list(rows)
    apps = {name: _live(tx, name) for name in {row.app for row in rows}}
    labels: dict[tuple[str, str], Mapping[int, str]] = {}
    for row in rows:
        key = (row.app, row.form)
        compiled = apps[row.app]
        if key not in labels and compiled is not None:
            ids = {each.record for each in rows if (each.app, each.form) == key}
            labels[key] = labels_in(tx, compiled, row.form, ids)
    return [_line(tx, apps[row.app], row, labels.get((row.app, row.form), {}).get(row.record, "")) for row in rows]


def _line(tx: "Tx", app: CompiledApp | None, row: Any, label: str) -> TaskLine:
    language = tx.actor.language
    flow = app.flows.get(row.flow) if app is not None else None
    form = app.forms.get(row.form) if app is not None else None
    return TaskLine(
        id=row.id,
        version=row.version,
        app=row.app,
        flow=flow.name if flow else row.flow,
        flow_title=say(flow.title, language) if flow else row.flow,
        form=form.name if form else row.form,
        form_title=say(form.title, language) if form else row.form,
        record=row.record,
        label=label,
        node=row.node,
        title=say(row.title, language),
        kind=row.kind,
        state=row.state,
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        comment=row.comment,
        initiator=person(tx, row.initiator),
        instance=row.instance,
        instance_state=row.instance_state,
    )


def _live(tx: "Tx", name: str) -> CompiledApp | None:
    try:
        return tx.services.apps.live(tx, name)
    except NotFound:
        return None
