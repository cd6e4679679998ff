"""One task with its record, as the task shows it to who holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp
from engines.flows import CompiledFlow, FieldRights, State, returnable
from engines.flows.rights import FieldMode
from metadata.problems import NotFound
from metadata.text import say
from runtime.db import tables
from runtime.flows import checks, pinned, task_access
from runtime.flows.progress import Progress, labels_in, progress_of
from runtime.flows.tasks import TaskLine, task_lines
from runtime.reading import Shown, get

if TYPE_CHECKING:
    from runtime.transaction import Tx

instance, task = tables.flow_instance, tables.task


@dataclass(frozen=True)
class TaskView:
    """A task as its holder sees it: the record through the task, how each field shows, and what he may do."""

    line: TaskLine
    shown: Shown | None
    modes: Mapping[str, FieldMode]
    related: tuple[tuple[str, int, str], ...]
    operations: tuple[str, ...]
    targets: tuple[tuple[str, str], ...]
    progress: Progress


def app_of_task(tx: "Tx", id: int) -> CompiledApp:
    """The app a task belongs to, if it is the actor's own."""
    row = tx.connection.execute(sa.select(task.c.app, task.c.assignee).where(task.c.id == id)).first()
    if row is None or tx.actor.member is None or row.assignee != tx.actor.member:
        raise checks.no_task()
    return tx.services.apps.live(tx, row.app)


def task_view(tx: "Tx", app: CompiledApp, id: int) -> TaskView:
    """A task of the actor with its record, read through the task while it is open, by his own rights afterwards."""
    found = sa.select(task, instance.c.initiator, instance.c.state.label("instance_state"), instance.c.part)
    row = tx.connection.execute(found.join(instance, instance.c.id == task.c.instance).where(task.c.id == id)).first()
    if row is None or row.assignee != tx.actor.member:
        raise checks.no_task()
    whole = tx.connection.execute(sa.select(instance).where(instance.c.id == row.instance)).one()
    flow = pinned.flow_of(tx, app, whole)
    node = flow.nodes.get(row.node)
    is_open = row.state == "open"
    shown = _record(tx, app, row)
    rights = node.rights if node is not None else None
    return TaskView(
        line=task_lines(tx, [row])[0],
        shown=shown,
        modes=_modes(app, flow, rights, shown, is_open),
        related=_related(tx, app, flow, rights, row) if is_open else (),
        operations=checks.operations(row.kind) if is_open else (),
        targets=_targets(flow, State.from_json(whole.position), row, tx.actor.language) if is_open else (),
        progress=progress_of(tx, app, whole),
    )


def _record(tx: "Tx", app: CompiledApp, row: Any) -> Shown | None:
    try:
        return get(tx, app, row.form, row.record)
    except NotFound:
        return None


def _modes(
    app: CompiledApp, flow: CompiledFlow, rights: FieldRights | None, shown: Shown | None, is_open: bool
) -> dict[str, FieldMode]:
    """How each field shows in the task, by field id: what the node says, lowered by what the relation shows at all."""
    if shown is None:
        return {}
    fields = app.forms[flow.form].fields
    readable = [each for each in fields if each in shown.values]
    if not is_open:
        return dict.fromkeys(readable, "read")
    if rights is None:
        return {each: "read" if fields[each].is_derived or fields[each].read_only else "write" for each in readable}
    modes: dict[str, FieldMode] = {each: rights.mode(each) for each in readable if rights.mode(each) != "hidden"}
    return modes


def _related(
    tx: "Tx", app: CompiledApp, flow: CompiledFlow, rights: FieldRights | None, row: Any
) -> tuple[tuple[str, int, str], ...]:
    """The records around the record that the task opens: form, id and how each is called."""
    found: list[tuple[str, int, str]] = []
    for each in rights.related if rights is not None else ():
        ids = task_access.led_to(tx, app, flow.form, each, frozenset({row.record}))
        called = labels_in(tx, app, each.form, ids)
        found.extend((app.forms[each.form].name, id, called.get(id, "")) for id in sorted(ids))
    return tuple(found)


def _targets(flow: CompiledFlow, state: State, row: Any, language: str) -> tuple[tuple[str, str], ...]:
    """Where the task may be returned to: the initiator, and earlier approvals."""
    if row.kind != "approval":
        return ()
    first = () if state.initiator is None else (("initiator", {"en": "Initiator", "zh": "发起人"}[_two(language)]),)
    earlier = tuple(
        (each.id, say(each.title or each.kind.title, language)) for each in returnable(flow, state, row.node)
    )
    return (*first, *earlier)


def _two(language: str) -> str:
    return "zh" if language == "zh" else "en"
