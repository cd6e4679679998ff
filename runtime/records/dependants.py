"""What a deletion means for the records that link to the deleted one: refused, emptied or deleted too."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.actor import system
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from metadata.problems import ROOT, Conflict, Problem
from runtime import history, storage

if TYPE_CHECKING:
    from runtime.transaction import Tx


def release(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int) -> None:
    """Settle with every record that links here; those that hold on to it are asked first."""
    references = [(app.forms[other], app.forms[other].fields[field]) for other, field in form.back_references]
    for holder, field in references:
        if field.options.on_delete == "restrict" and _referring(tx, app, holder, field, id):
            raise _in_use(app, holder)
    for holder, field in references:
        if field.options.on_delete != "restrict":
            with _as_platform(tx, "deletion"):
                _let_go(tx, app, holder, field, id)


def bring_back(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int, deleted_at: datetime) -> None:
    """Restore what was deleted along with a record."""
    from runtime.records import door

    for other, name in form.back_references:
        holder, field = app.forms[other], app.forms[other].fields[name]
        if field.options.on_delete != "cascade" or field.column is None or holder.parent is not None:
            continue
        table = holder.table
        together = sa.and_(table.c[field.column] == id, table.c.deleted_at == deleted_at)
        gone = tx.connection.scalars(sa.select(table.c.id).where(together).order_by(table.c.id)).all()
        with _as_platform(tx, "restoring"):
            for each in gone:
                door.restore(tx, app, holder.id, each)


def _let_go(tx: "Tx", app: CompiledApp, holder: CompiledForm, field: CompiledField, id: int) -> None:
    from runtime.records import door

    whole = app.forms[holder.parent] if holder.parent is not None else holder
    referring = _referring(tx, app, holder, field, id)
    if field.options.on_delete == "cascade" and holder.parent is None and not field.is_list:
        for each in referring:
            door.delete(tx, app, holder.id, each)
        return
    held = storage.load(tx, app, whole, referring) if holder.parent is not None or field.is_list else {}
    for each in referring:
        record = held.get(each, {})
        if record and history.changed_already(tx, app, whole.id, each):
            record = storage.load(tx, app, whole, [each])[each]  # a rule was there before us
        door.save(tx, app, whole.id, each, {}, typed=_let_go_of(record, holder, field, id))


def _let_go_of(record: Mapping[str, Any], holder: CompiledForm, field: CompiledField, id: int) -> dict[str, Any]:
    """What a record holds once it no longer leads to the deleted one: its rows, its list, or a blank."""
    if holder.parent is not None:
        rows = [_without(row, field, id) for row in record[holder.id]]
        return {holder.id: [row for row in rows if row is not None]}
    return {field.id: tuple(other for other in record[field.id] if other != id) if field.is_list else None}


def _without(row: dict[str, Any], field: CompiledField, id: int) -> dict[str, Any] | None:
    """A subform row that no longer leads to the record; None where it goes with it."""
    held = row.get(field.id)
    if field.is_list:
        return {**row, field.id: tuple(each for each in held or () if each != id)}
    if held != id:
        return row
    return None if field.options.on_delete == "cascade" else {**row, field.id: None}


def _referring(tx: "Tx", app: CompiledApp, holder: CompiledForm, field: CompiledField, id: int) -> list[int]:
    """The records that lead here by this field, in the order of their ids; those in the trash do not count."""
    whole = app.forms[holder.parent] if holder.parent is not None else holder
    found: Any = holder.table
    if holder.parent is not None:
        found = found.join(whole.table, whole.table.c.id == holder.table.c.record)
    if field.side_table is not None:
        found = found.join(field.side_table, field.side_table.c.record == holder.table.c.id)
        leads_here = field.side_table.c.value == id
    else:
        leads_here = holder.table.c[field.column or ""] == id
    alive = whole.table.c.deleted_at.is_(None)
    chosen = sa.select(whole.table.c.id).select_from(found).where(leads_here, alive).distinct()
    return sorted(tx.connection.scalars(chosen.limit(1_001)).all())


class InUse(Conflict):
    """Other records hold on to what was to be deleted."""

    title = {"en": "This is still in use", "zh": "仍被其他记录引用"}


def _in_use(app: CompiledApp, holder: CompiledForm) -> Conflict:
    message = {
        "en": "Other records still refer to this one, so it cannot be deleted",
        "zh": "仍有其他记录引用此记录，无法删除",
    }
    hint = {"en": "Delete those records, or let them refer to another one", "zh": "请先删除或修改这些记录"}
    return InUse(Problem(ROOT, "in_use", message, hint))


@contextmanager
def _as_platform(tx: "Tx", reason: str) -> Iterator[None]:
    before, tx.actor = tx.actor, system(reason)
    try:
        yield
    finally:
        tx.actor = before
