"""What people may see of a record's past: its changes and those of its subform rows, through today's masks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.computed.sources import shown_in_rows
from runtime.db import tables
from runtime.history.entries import values_of

if TYPE_CHECKING:
    from runtime.transaction import Tx

MOST_ROWS = 2_000  # changes of rows in one answer; where there are more, the oldest only name their subform


@dataclass(frozen=True)
class RowChange:
    """What became of one row of a subform: values by field id, before and after, of the fields that moved.

    `row` is the whole row after the change, or before it where it was removed.
    """

    id: int
    op: Literal["added", "changed", "removed"]
    changed: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One change of a record as an actor may see it: values by field id, before and after; rows by subform field."""

    seq: int
    version: int
    at: datetime
    op: str
    actor: int | None
    actor_kind: str
    source: str | None
    changed: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    rows: Mapping[str, tuple[RowChange, ...]] = field(default_factory=dict)


def of_record(
    tx: "Tx", app: CompiledApp, form: CompiledForm, record: int, readable: frozenset[str], limit: int = 100
) -> list[Entry]:
    """The changes of a record, the latest first; what only touched hidden fields stays bare."""
    rows = _entries(tx, app, form, record, limit + 1)
    images = values_of(tx, form, [row["doc"] or {} for row in rows])
    shown = rows[:limit]
    subforms = [each for each in form.subforms if each.id in readable]
    since = min((row["version"] for row in shown), default=0)
    of_rows = _row_changes(tx, app, form, subforms, record, since, readable)
    return [
        _seen(row, images[index + 1] if index + 1 < len(images) else {}, images[index], readable, of_rows)
        for index, row in enumerate(shown)
    ]


def changed_since(
    tx: "Tx", app: CompiledApp, form: CompiledForm, record: Mapping[str, Any], version: int, readable: frozenset[str]
) -> dict[str, Any]:
    """What a stale editor is told: who changed the record when, and which of the fields that he may read."""
    newer = [each for each in of_record(tx, app, form, record["id"], readable) if each.version > version]
    names = {form.fields[id].name if id in form.fields else id for each in newer for id in each.changed}
    by = tx.organisation.people.get(newer[0].actor or 0) if newer else None
    return {
        "current_version": record["version"],
        "changed_by": by.name if by is not None else None,
        "changed_at": newer[0].at if newer else record["updated_at"],
        "changed_fields": sorted(names),
    }


# --- the record ---


def _entries(tx: "Tx", app: CompiledApp, form: CompiledForm, record: int, limit: int) -> Sequence[Any]:
    table, cause = tables.record_version, tables.cause
    mine = sa.and_(table.c.app == app.name, table.c.form == form.id, table.c.record == record)
    chosen = (
        sa.select(table, cause.c.actor, cause.c.actor_kind, cause.c.source)
        .join(cause, cause.c.id == table.c.cause, isouter=True)
        .where(mine)
        .order_by(table.c.seq.desc())
        .limit(limit)
    )
    return tx.connection.execute(chosen).mappings().all()


def _seen(
    row: Any,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    readable: frozenset[str],
    of_rows: Mapping[int, Mapping[str, tuple[RowChange, ...]]],
) -> Entry:
    rows = of_rows.get(row["version"], {}) if row["op"] != "derived" else {}
    shown = readable | {"owner", "department"}
    changed = tuple(each for each in row["changed"] if each in shown)
    values = [each for each in changed if each not in rows]
    return Entry(
        row["seq"],
        row["version"],
        row["at"],
        row["op"],
        row["actor"],
        row["actor_kind"] or "system",
        row["source"],
        (*changed, *(each for each in rows if each not in changed)),
        {each: before.get(each) for each in values},
        {each: after.get(each) for each in values},
        rows,
    )


# --- its rows ---


def _row_changes(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    subforms: Iterable[CompiledField],
    record: int,
    since: int,
    readable: frozenset[str],
) -> dict[int, dict[str, tuple[RowChange, ...]]]:
    """The changes of rows by the version of the record in which they came, and by subform field."""
    found: dict[int, dict[str, tuple[RowChange, ...]]] = {}
    for subform in subforms:
        assert subform.subform is not None
        known = _row_images(tx, app, subform.subform, record, since)
        fields = shown_in_rows(form, subform, readable)
        for row, images in known.items():
            for (_, before), (version, after) in zip(images, images[1:], strict=False):
                change = _row_change(fields, row, before, after)
                if version >= since and change is not None:
                    at = found.setdefault(version, {})
                    at[subform.id] = (*at.get(subform.id, ()), change)
    return found


Image = Mapping[str, Any] | None


def _row_images(
    tx: "Tx", app: CompiledApp, form: CompiledForm, record: int, since: int
) -> dict[int, list[tuple[int, Image]]]:
    """What each row was, oldest first: before the first of these versions of the record, and in each of them."""
    table = tables.record_version
    mine = sa.and_(table.c.app == app.name, table.c.form == form.id, table.c.parent == record)
    newer = sa.select(table).where(mine, table.c.seq >= since).order_by(table.c.seq.desc()).limit(MOST_ROWS)
    rows = list(tx.connection.execute(newer).mappings())[::-1]
    if len(rows) == MOST_ROWS:
        since = rows[0]["seq"] + 1  # of that version some may be missing
    last = sa.select(table.c.record, sa.func.max(table.c.seq).label("seq")).where(mine, table.c.seq < since)
    latest = last.group_by(table.c.record).subquery()
    older = sa.select(table).join(latest, sa.and_(table.c.record == latest.c.record, table.c.seq == latest.c.seq))
    touched = {row["record"] for row in rows}
    kept = [row for row in tx.connection.execute(older.where(mine)).mappings() if row["record"] in touched]
    kept += [row for row in rows if row["seq"] >= since]
    values = values_of(tx, form, [row["doc"] or {} for row in kept])
    found: dict[int, list[tuple[int, Image]]] = {id: [(0, None)] for id in touched}
    for row, image in zip(kept, values, strict=True):
        found[row["record"]].append((row["seq"], None if row["doc"] is None else image))
    return found


def _row_change(fields: Collection[str], row: int, before: Image, after: Image) -> RowChange | None:
    held, now = before or {}, after or {}
    changed = tuple(id for id in fields if held.get(id) != now.get(id))
    if before is after or (before is not None and after is not None and not changed):
        return None  # it only moved to another place
    op: Literal["added", "changed", "removed"] = (
        "removed" if after is None else "added" if before is None else "changed"
    )
    return RowChange(
        row,
        op,
        changed,
        {} if before is None else {id: held.get(id) for id in changed},
        {} if after is None else {id: now.get(id) for id in changed},
        {id: value for id, value in (now or held).items() if id in fields},
    )
