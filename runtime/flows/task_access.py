"""What running flows mean for records: the lock on the record, and what an open task lets its holder see and change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.access import Grant, fields_given, grants_of, truth
from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.expressions import moment_of
from engines.flows import CompiledFlow, FieldRights, RelatedRights
from engines.flows.state import OPEN_STATUSES
from metadata.problems import ROOT, Conflict, Path, Problem
from metadata.text import Text, say
from runtime.db import tables
from runtime.facts import facts_of
from runtime.flows import pinned

if TYPE_CHECKING:
    from runtime.transaction import Tx

TASK_GRANTS = "task_grants"
TASK_VERBS = frozenset({"read", "see_history", "comment", "print"})

instance, task = tables.flow_instance, tables.task


# --- the lock ---


@dataclass(frozen=True)
class Lock:
    """A flow that runs on a record. `editable` are the fields that the asking actor may change all the same (None:
    whatever his own rights allow, because the flow was returned to him)."""

    flow: Text
    since: datetime
    waits_for: tuple[str, ...]
    editable: frozenset[str] | None = frozenset()

    def refuse_unless(self, changed: Iterable[str], form_fields: Mapping[str, Any]) -> None:
        """Raise 423, naming who has it and what helps, if a field is to be changed that the lock holds."""
        if self.editable is None:
            return
        held = [each for each in changed if each not in self.editable]
        if held:
            names = [form_fields[each].name for each in held if each in form_fields]
            raise self.refusal(*[ROOT / "values" / name for name in names])

    @property
    def said(self) -> Text:
        """Which flow has the record, and who is to act."""
        who = ", ".join(self.waits_for)
        return {
            "en": f"The flow “{say(self.flow, 'en')}” is running on this record"
            + (f"; it waits for {who}" if who else ""),
            "zh": f"该记录正在流程“{say(self.flow, 'zh')}”中"
            + (f"，等待{'、'.join(self.waits_for)}处理" if who else ""),
        }

    def refusal(self, *places: Path) -> Conflict:
        problems = [Problem(place, "record_locked", self.said, _WAY_OUT) for place in places or (ROOT,)]
        return Conflict(
            *problems,
            status=423,
            code="record_locked",
            detail=self.said,
            waits_for=list(self.waits_for),
            since=self.since,
        )


def locked_by(tx: "Tx", app: CompiledApp, form: str, record: int) -> Lock | None:
    """The lock that running flows lay on a record for the actor; None for the platform itself.

    Call it before the record is locked: it locks the instances, which come first in the order of locks (S1, step 3).
    """
    return _together(tx, app, running(tx, app, form, record, for_update=True))


def lock_shown(tx: "Tx", app: CompiledApp, form: str, record: int) -> Lock | None:
    """The same for a page, which only tells of the lock and holds nobody up."""
    return _together(tx, app, running(tx, app, form, record))


def _together(tx: "Tx", app: CompiledApp, rows: list[Any]) -> Lock | None:
    if not rows or tx.actor.is_system:
        return None
    locks = [_lock(tx, app, row) for row in rows]
    editable = [each.editable for each in locks if each.editable is not None]
    return Lock(
        flow=locks[0].flow,
        since=locks[0].since,
        waits_for=tuple(dict.fromkeys(name for each in locks for name in each.waits_for)),
        editable=frozenset.intersection(*editable) if editable else None,
    )


def running(
    tx: "Tx", app: CompiledApp, form: str, record: int, flow: str | None = None, for_update: bool = False
) -> list[Any]:
    """The instances that run on a record, in the order of their ids; locked against other writers if so wanted."""
    found = (
        sa.select(instance)
        .where(instance.c.form == form, instance.c.record == record, instance.c.app == app.name)
        .where(instance.c.state.in_(OPEN_STATUSES))
        .order_by(instance.c.id)
    )
    if flow is not None:
        found = found.where(instance.c.flow == flow)
    if for_update and tx.database.is_postgresql:
        found = found.with_for_update(key_share=True)
    return list(tx.connection.execute(found))


def _lock(tx: "Tx", app: CompiledApp, row: Any) -> Lock:
    flow = pinned.flow_of(tx, app, row)
    open_tasks = tx.connection.execute(
        sa.select(task.c.node, task.c.assignee)
        .where(task.c.instance == row.id, task.c.state == "open", task.c.kind != "cc")
        .order_by(task.c.id)
    ).all()
    mine = [each.node for each in open_tasks if each.assignee == tx.actor.member]
    people = tx.organisation.people
    names = tuple(people[each.assignee].name for each in open_tasks if each.assignee in people)
    rights = [flow.nodes[node].rights for node in mine if node in flow.nodes]
    own = any(node == flow.first.id for node in mine) and flow.first.rights is None
    editable = None if own else frozenset().union(*(each.editable for each in rights if each is not None))
    return Lock(flow.title, row.started_at, names, editable)


# --- what a task shows ---


def task_grants(tx: "Tx", app: CompiledApp, actor: Actor) -> tuple[Grant, ...]:
    """What the open tasks of an actor let him do beyond his roles, as grants narrowed to single records.

    Asked once for each transaction.
    """
    if actor.member is None or actor.is_system or not app.flows:
        return ()
    key = f"{TASK_GRANTS}:{app.name}:{actor.member}"
    if key not in tx.notes:
        rows = tx.connection.execute(_open_tasks(app.name, actor.member)).all()
        tx.notes[key] = grants_of_tasks(tx, app, actor, rows)
    found: tuple[Grant, ...] = tx.notes[key]
    return found


def forget(tx: "Tx") -> None:
    """Ask anew which tasks are open, after one was opened or closed in this transaction."""
    for key in [each for each in tx.notes if each.startswith(TASK_GRANTS)]:
        del tx.notes[key]


def grants_of_tasks(tx: "Tx", app: CompiledApp, actor: Actor, rows: Iterable[Any]) -> tuple[Grant, ...]:
    """The grants of some tasks: rows with what `open_tasks` selects."""
    together: dict[tuple[str, str], tuple[CompiledFlow, set[int]]] = {}
    for row in rows:
        flow = pinned.flow_of(tx, app, row)
        together.setdefault((row.part, row.node), (flow, set()))[1].add(row.record)
    grants: list[Grant] = []
    for (_, node), (flow, records) in together.items():
        found = flow.nodes.get(node)
        if found is not None and found.rights is not None:
            grants.extend(_grants(tx, app, actor, flow, found.rights, frozenset(records)))
    return tuple(grants)


def _open_tasks(app: str, member: int) -> sa.Select[Any]:
    """The open tasks of a member with the flow part that each is pinned to."""
    return (
        sa.select(task.c.node, task.c.record, task.c.flow, instance.c.part, instance.c.manifest)
        .join(instance, instance.c.id == task.c.instance)
        .where(task.c.assignee == member, task.c.state == "open", task.c.app == app)
    )


def _grants(
    tx: "Tx", app: CompiledApp, actor: Actor, flow: CompiledFlow, rights: FieldRights, records: frozenset[int]
) -> list[Grant]:
    form = app.forms[flow.form]
    by_roles = fields_given(form, grants_of(app, actor, "read", form.id))
    shown = rights.shown(frozenset(form.fields), by_roles)
    grants = [Grant(form.id, TASK_VERBS, fields=shown, records=records)]
    if rights.editable:
        grants.append(Grant(form.id, frozenset({"update"}), fields=rights.editable, records=records))
    for related in rights.related:
        found = led_to(tx, app, flow.form, related, records)
        if found:
            verbs = frozenset({"read", "see_history"}) if related.history else frozenset({"read"})
            grants.append(Grant(related.form, verbs, fields=related.fields, records=found))
    return grants


def led_to(tx: "Tx", app: CompiledApp, form: str, related: RelatedRights, records: frozenset[int]) -> frozenset[int]:
    """The records that a path of links leads to from these, as they truly are."""
    at, ids = form, records
    moment = moment_of(facts_of(tx, app))
    for link in related.links:
        relation = truth(app, at, moment, tx.dialect)
        column = relation.column(link)
        statement = relation.where(relation.column("id").in_(sorted(ids))).select({"to": column})
        ids = frozenset(row.to for row in tx.connection.execute(statement) if row.to is not None)
        at = app.forms[at].fields[link].target or ""
        if not ids:
            break
    return ids


_WAY_OUT: Text = {
    "en": "Wait until it is decided, or ask who started it to withdraw it",
    "zh": "请等待审批结束，或请发起人撤回",
}
