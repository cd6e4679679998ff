"""How far a flow is: who has it, since when, what was decided, what comes next, and the tree with the state of each
node; data for the record page, the task page and the API."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp
from engines.flows import CompiledFlow, State, tree
from engines.flows.state import INCIDENT, OPEN_STATUSES
from metadata.problems import NotFound
from metadata.text import say
from runtime.db import tables
from runtime.flows import pinned, task_access
from runtime.flows.checks import no_instance
from runtime.reading import get, labels_of

if TYPE_CHECKING:
    from runtime.transaction import Tx

PAGE_SIZE = 50
LARGEST_PAGE = 200

instance, task, decision = tables.flow_instance, tables.task, tables.decision


@dataclass(frozen=True)
class Person:
    """A member by name; who is gone keeps his id."""

    id: int
    name: str


@dataclass(frozen=True)
class Waiting:
    """Who has an open task of an instance, and since when."""

    person: Person
    node: str
    since: datetime
    due: datetime | None


@dataclass(frozen=True)
class Said:
    """A decision or a remark, as it was made."""

    at: datetime
    person: Person | None
    node: str
    outcome: str
    comment: str


@dataclass(frozen=True)
class Progress:
    """How far an instance is: its state, who has it, what was decided, and the drawn tree with a state per node."""

    id: int
    flow: str
    title: str
    state: str
    initiator: Person | None
    started_at: datetime
    ended_at: datetime | None
    waiting: tuple[Waiting, ...]
    said: tuple[Said, ...]
    next: tuple[str, ...]
    incidents: tuple[tuple[str, str], ...]
    boxes: Sequence[Mapping[str, Any]]
    may_withdraw: bool


def instances_of(tx: "Tx", app: CompiledApp, form: str, record: int) -> list[Progress]:
    """The flows that ran or run on a record that the actor may see, the latest first."""
    get(tx, app, form, record, fields=())
    return [progress_of(tx, app, row) for row in _instances(tx, instance.c.form == form, instance.c.record == record)]


def progress(tx: "Tx", app: CompiledApp, id: int) -> Progress:
    """How far an instance is, for whoever may see its record, or started it."""
    row = tx.connection.execute(sa.select(instance).where(instance.c.id == id, instance.c.app == app.name)).first()
    if row is None:
        raise no_instance()
    if row.initiator is None or row.initiator != tx.actor.member:
        get(tx, app, row.form, row.record, fields=())
    return progress_of(tx, app, row)


def instances_of_flow(
    tx: "Tx", app: CompiledApp, flow: CompiledFlow, state: str | None = None, page: int = 1, size: int = PAGE_SIZE
) -> list[Progress]:
    """The instances of a flow whose records the actor may see, the latest first."""
    conditions = [instance.c.flow == flow.id, instance.c.app == app.name]
    if state is not None:
        conditions.append(instance.c.state == state)
    rows = _instances(tx, *conditions, limit=size, offset=(page - 1) * size)
    seen = _readable(tx, app, flow.form, {row.record for row in rows})
    return [progress_of(tx, app, row) for row in rows if row.record in seen or row.initiator == tx.actor.member]


def incidents(tx: "Tx", app: CompiledApp) -> list[Progress]:
    """The flows of an app that cannot go on by themselves, for those who keep it running."""
    rows = _instances(tx, instance.c.app == app.name, instance.c.state == INCIDENT, limit=LARGEST_PAGE)
    return [progress_of(tx, app, row) for row in rows]


def progress_of(tx: "Tx", app: CompiledApp, row: Any) -> Progress:
    language = tx.actor.language
    flow, state = pinned.flow_of(tx, app, row), State.from_json(row.position)
    waiting = _waiting(tx, flow, row.id, language)
    is_open = row.state in OPEN_STATUSES
    return Progress(
        id=row.id,
        flow=flow.name,
        title=say(flow.title, language),
        state=row.state,
        initiator=person(tx, row.initiator),
        started_at=row.started_at,
        ended_at=row.ended_at,
        waiting=waiting,
        said=_said(tx, flow, row.id, language),
        next=_next(flow, state, language) if is_open else (),
        incidents=tuple((_caption(flow, node, language), say(why, language)) for node, why in state.stuck.items()),
        boxes=_with_people(tree(flow, state, language), tx, flow, row.id),
        may_withdraw=is_open and row.initiator is not None and row.initiator == tx.actor.member,
    )


def _instances(tx: "Tx", *conditions: Any, limit: int = PAGE_SIZE, offset: int = 0) -> list[Any]:
    found = sa.select(instance).where(*conditions).order_by(instance.c.id.desc()).limit(limit).offset(offset)
    return list(tx.connection.execute(found))


def _readable(tx: "Tx", app: CompiledApp, form: str, ids: set[int]) -> frozenset[int]:
    return frozenset(labels_in(tx, app, form, ids)) if ids else frozenset()


def _waiting(tx: "Tx", flow: CompiledFlow, id: int, language: str) -> tuple[Waiting, ...]:
    rows = tx.connection.execute(
        sa.select(task).where(task.c.instance == id, task.c.state == "open", task.c.kind != "cc").order_by(task.c.id)
    )
    return tuple(
        Waiting(who, _caption(flow, row.node, language), row.opened_at, row.due_at)
        for row in rows
        if (who := person(tx, row.assignee)) is not None
    )


def _said(tx: "Tx", flow: CompiledFlow, id: int, language: str) -> tuple[Said, ...]:
    rows = tx.connection.execute(
        sa.select(decision).where(decision.c.instance == id).order_by(decision.c.at, decision.c.id)
    )
    return tuple(
        Said(row.at, person(tx, row.member), _caption(flow, row.node, language), row.outcome, row.comment or "")
        for row in rows
    )


def _next(flow: CompiledFlow, state: State, language: str) -> tuple[str, ...]:
    """What comes when the nodes that are under way are done: the next approval after each, as far as it is certain."""
    coming = []
    for node in state.tokens:
        if not flow.nodes[node].blocks:
            coming += _after(flow, node)
    return tuple(dict.fromkeys(_caption(flow, each, language) for each in coming))


def _after(flow: CompiledFlow, node: str) -> list[str]:
    """The node that follows in reading order, out of branches that end."""
    at: str | None = node
    while at is not None:
        block, index = flow.places[at]
        if index + 1 < len(block.nodes):
            return [block.nodes[index + 1].id]
        at = block.owner
    return []


def _with_people(boxes: list[dict[str, Any]], tx: "Tx", flow: CompiledFlow, id: int) -> list[dict[str, Any]]:
    """The boxes with who has or had a task at each: state, when, what he said."""
    rows = tx.connection.execute(sa.select(task).where(task.c.instance == id).order_by(task.c.id)).all()
    by_node: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.state == "closed":
            continue
        who = person(tx, row.decided_by or row.assignee)
        by_node.setdefault(row.node, []).append(
            {
                "id": str(who.id) if who else None,
                "name": who.name if who else "",
                "state": "done" if row.state == "done" else "doing",
                "at": row.closed_at or row.opened_at,
                "outcome": row.outcome,
                "comment": row.comment or "",
            }
        )
    for box in boxes:
        _add_people(box, by_node)
    return boxes


def _add_people(box: dict[str, Any], by_node: Mapping[str, list[dict[str, Any]]]) -> None:
    if box["id"] in by_node:
        box["people"] = by_node[box["id"]]
    for branch in box.get("branches", []):
        for inner in branch["nodes"]:
            _add_people(inner, by_node)


def _caption(flow: CompiledFlow, node: str, language: str) -> str:
    found = flow.nodes.get(node)
    return say(found.title or found.kind.title, language) if found is not None else node


def person(tx: "Tx", member: int | None) -> Person | None:
    """A member as he is shown beside a task."""
    if member is None:
        return None
    known = tx.organisation.people.get(member)
    return Person(member, known.name if known is not None else "")


def labels_in(tx: "Tx", app: CompiledApp, form: str, ids: Iterable[int]) -> Mapping[int, str]:
    """How records are called, seen with the rights of the actor and of his open tasks."""
    try:
        return labels_of(tx, app, form, ids, also=task_access.task_grants(tx, app, tx.actor))
    except NotFound:  # the form is gone, or none of it is for the actor any more
        return {}
