"""What a publish made of records: each gets a new version and an entry in its history, so that the past stays true."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledForm
from runtime import storage
from runtime.db import tables
from runtime.db.backfill import Report
from runtime.history import entries
from runtime.history.entries import Change

if TYPE_CHECKING:
    from runtime.transaction import Tx

CHUNK = 500
PUBLISHED = "published"
Touched = dict[str, dict[int, set[str]]]  # by form and record: the fields


def tell(tx: "Tx", app: CompiledApp, reports: Iterable[Report]) -> None:
    """Write the history of what was converted, moved or numbered, in bulk.

    Records in the trash have none: what restores them writes their whole image. When a record was changed last, and by
    whom, stays as it is; its version moves on, as with every change.
    """
    told = list(reports)
    rows = {report.form: report for report in told if report.touched and app.forms[report.form].parent is not None}
    records: Touched = {}
    row_ids: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for report in told:
        if report.form not in rows:
            for id in report.touched:
                records.setdefault(report.form, {}).setdefault(id, set()).add(report.field)
    for subform in rows:
        parent = str(app.forms[subform].parent)
        changed = {id for report in told if report.form == subform for id in report.touched}
        for row, record in _parents(tx, app.forms[subform], changed):
            records.setdefault(parent, {}).setdefault(record, set()).add(subform)
            row_ids.setdefault((parent, record), set()).add((subform, row))
    for form, found in records.items():
        for chunk in _chunks(sorted(found)):
            _tell(tx, app, app.forms[form], {id: found[id] for id in chunk}, row_ids)


def _tell(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    fields: Mapping[int, set[str]],
    row_ids: Mapping[tuple[str, int], set[tuple[str, int]]],
) -> None:
    table = form.table
    alive = sa.and_(table.c.id.in_(list(fields)), table.c.deleted_at.is_(None))
    tx.connection.execute(sa.update(table).where(alive).values(version=table.c.version + 1))
    for id, record in storage.load(tx, app, form, fields).items():
        if record["deleted_at"] is None:
            wanted = row_ids.get((form.id, id), set())
            rows = {(sub, row["id"]): row for sub, row in _rows_of(form, record) if (sub, row["id"]) in wanted}
            changed, seq = frozenset(fields[id]), record[storage.SEQ] or 0
            # a stage that was moved is not entered anew: before and after are the same
            entries.note_change(tx, Change(app, form, PUBLISHED, record, record, changed, seq, rows))
    entries.write_changes(tx)
    if tx.history:
        tx.connection.execute(sa.insert(tables.record_version), [_whole(row) for row in tx.history])
        tx.history.clear()


def rename_stages(tx: "Tx", app: CompiledApp, moved: Iterable[tuple[str, str, str, str]]) -> None:
    """Stages that another option took over count as that one from their beginning; time in them goes on."""
    spans = tables.stage_span
    for form, field, old, new in moved:
        mine = sa.and_(spans.c.app == app.name, spans.c.form == form, spans.c.field == field)
        for column in (spans.c.value, spans.c.from_value):
            tx.connection.execute(sa.update(spans).where(mine, column == old).values({column.name: new}))


def _rows_of(form: CompiledForm, record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in form.subforms:
        for row in record[field.id]:
            yield field.id, row


def _parents(tx: "Tx", rows: CompiledForm, ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    for chunk in _chunks(sorted(ids)):
        found = sa.select(rows.table.c.id, rows.table.c.record).where(rows.table.c.id.in_(chunk))
        yield from ((row.id, row.record) for row in tx.connection.execute(found))


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(tables.record_version.c.keys()), **row}


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
