"""What is written once a save is decided, and all that follows from it (S1, steps 12 to 16)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engines import Decision
from engines.compiled import CompiledApp, CompiledForm
from engines.events import RecordChanged
from runtime import files, history, storage
from runtime.db.ids import new_id
from runtime.records import after_save, holding
from runtime.rules import traces
from runtime.totals import derived

if TYPE_CHECKING:
    from runtime.transaction import Tx


def with_row_ids(form: CompiledForm, decision: Decision) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give new rows their ids, in the record and among the changes alike."""
    after, rows = dict(decision.after), dict(decision.row_changes)
    for field, changes in rows.items():
        given = {row["id"]: new_id() for row in changes.created}
        rows[field] = replace(changes, created=tuple({**row, "id": given[row["id"]]} for row in changes.created))
        after[field] = tuple({**row, "id": given.get(row["id"], row["id"])} for row in after[field])
    return after, rows


def write_change(
    tx: "Tx",
    form: CompiledForm,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changed: frozenset[str],
    rows: Mapping[str, Any],
) -> None:
    columns = {id: after.get(id) for id in (*changed, "version", "updated_at", "updated_by")}
    if not storage.update(tx, form, after["id"], columns, before["version"]):
        raise holding.stale({"current_version": before["version"]})
    for field in form.lists:
        if field.id in changed:
            storage.write_values(tx, field, after["id"], before.get(field.id) or (), after.get(field.id) or ())
    for id, changes in rows.items():
        storage.write_rows(tx, form.fields[id], after["id"], before.get(id) or (), changes)


def write_system(tx: "Tx", form: CompiledForm, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    columns = {name: after[name] for name in ("version", "updated_at", "updated_by", "deleted_at")}
    if not storage.update(tx, form, after["id"], columns, before["version"]):
        raise holding.stale({"current_version": before["version"]})


def touched(tx: "Tx", app: CompiledApp, form: CompiledForm, record: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """The record with its next version: one only for each transaction, however often it is written there."""
    step = 0 if history.changed_already(tx, app, form.id, record["id"]) else 1
    version = record["version"] + step
    by = record["updated_by"] if tx.actor.is_system else tx.actor.member
    return {**record, "version": version, "updated_at": tx.now, "updated_by": by, **values}


def follow_up(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    op: Any,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    changed: frozenset[str],
    rows: Mapping[str, Any],
    trace: tuple[Any, ...] = (),
) -> None:
    """Steps 13 to 16: history, the totals of other records, late rules, flows."""
    entries = {(id, row["id"]): row for id, each in rows.items() for row in (*each.created, *each.updated)} | {
        (id, gone): None for id, each in rows.items() for gone in each.deleted
    }
    seq = int(after.get(storage.SEQ) or 0)
    if op in ("create", "update"):
        files.claim_for(tx, app.name, form, after["id"], before, after)
    history.note_change(tx, history.Change(app, form, op, before, after, changed, seq, entries))
    traces.note(tx, app, trace)
    was, now = None if op in ("create", "restore") else before, None if op == "delete" else after
    moved = derived.derive(tx, app, form, was, now)
    event_before = None if op == "create" else before
    after_save.follow(tx, app, RecordChanged(form.id, after["id"], op, event_before, now, changed))
    for event in moved:
        after_save.follow(tx, app, event)
