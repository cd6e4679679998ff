"""Records as they are stored, whole and unmasked: read, locked and written, for the door and the derive pass only."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.forms.execute import RowChanges
from runtime.db import tables
from runtime.reading.parameters import RECORD_ID, among

if TYPE_CHECKING:
    from runtime.transaction import Tx

Record = dict[str, Any]

SEQ = "_seq"


# --- reading ---


def last_seq(app: CompiledApp, form: CompiledForm) -> sa.ColumnElement[Any]:
    """The number of the last history entry of a record, read along with it."""
    history = tables.record_version
    mine = sa.and_(history.c.app == app.name, history.c.form == form.id, history.c.record == form.table.c.id)
    return sa.select(sa.func.max(history.c.seq)).where(mine).correlate(form.table).scalar_subquery()


def select_stored(app: CompiledApp, form: CompiledForm) -> sa.Select[Any]:
    """Select whole records with the number of their last history entry."""
    columns = [column.label(label) for label, column in form.columns.items()]
    return sa.select(*columns, last_seq(app, form).label(SEQ))


def load(tx: "Tx", app: CompiledApp, form: CompiledForm, ids: Iterable[int]) -> dict[int, Record]:
    """Give whole records by id, those in the trash too (they have a `deleted_at`)."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    statement = app.memory.remember(("load", form.id), lambda: select_stored(app, form).where(among(form.table.c.id)))
    rows = tx.connection.execute(statement, {"ids": wanted}).mappings()
    records = {row["id"]: dict(row) for row in rows}
    complete(tx, app, form, records)
    return records


def complete(tx: "Tx", app: CompiledApp, form: CompiledForm, records: Mapping[int, Record]) -> None:
    """Add the lists and the subform rows of records, one query for each field."""
    ids = sorted(records)
    for field in form.lists:
        values = load_values(tx, app, field, ids)
        for id, record in records.items():
            record[field.id] = tuple(values.get(id, ()))
    for field in form.subforms:
        rows = load_rows(tx, app, field, ids)
        for id, record in records.items():
            record[field.id] = rows.get(id, [])


def load_values(tx: "Tx", app: CompiledApp, field: CompiledField, ids: Sequence[int]) -> dict[int, list[Any]]:
    """The values of a list field, by record."""
    table = field.side_table
    assert table is not None
    statement = app.memory.remember(
        ("values", field.id),
        lambda: (
            sa.select(table.c.record, table.c.value)
            .where(among(table.c.record))
            .order_by(table.c.record, table.c.position)
        ),
    )
    found: dict[int, list[Any]] = {}
    if ids:
        for record, value in tx.connection.execute(statement, {"ids": ids}):
            found.setdefault(record, []).append(value)
    return found


def load_rows(tx: "Tx", app: CompiledApp, field: CompiledField, ids: Sequence[int]) -> dict[int, list[Record]]:
    """The rows of a subform in their order, by record."""
    rows = field.subform
    assert rows is not None
    columns = [column.label(label) for label, column in rows.columns.items()]
    statement = app.memory.remember(
        ("rows", field.id),
        lambda: (
            sa.select(*columns).where(among(rows.table.c.record)).order_by(rows.table.c.record, rows.table.c.position)
        ),
    )
    found: dict[int, list[Record]] = {}
    if ids:
        every = {row["id"]: dict(row) for row in tx.connection.execute(statement, {"ids": ids}).mappings()}
        complete(tx, app, rows, every)
        for row in every.values():
            found.setdefault(row.pop("record"), []).append(row)
    return found


# --- locking ---


def lock(tx: "Tx", table: sa.Table, ids: Iterable[int]) -> None:
    """Lock records against other writers, in the order of their ids; on SQLite the one writer is locked already."""
    wanted = sorted(set(ids))
    if wanted and tx.database.is_postgresql:
        chosen = sa.select(table.c.id).where(among(table.c.id)).order_by(table.c.id)
        tx.connection.execute(chosen.with_for_update(key_share=True), {"ids": wanted})


# --- writing ---


def insert(tx: "Tx", form: CompiledForm, record: Mapping[str, Any]) -> None:
    """Write a new record with its lists and rows."""
    values = {column.key: record.get(label) for label, column in form.columns.items()}
    tx.connection.execute(_insert_into(form.table), values)
    for field in form.lists:
        _insert_values(tx, field, record["id"], record.get(field.id) or ())


def update(tx: "Tx", form: CompiledForm, id: int, values: Mapping[str, Any], version: int | None = None) -> bool:
    """Write columns of a record, by system name or field id; False when its version is not the expected one."""
    columns = form.columns
    written = {columns[label].key: value for label, value in values.items() if label in columns}
    changed = sa.update(form.table).where(form.table.c.id == RECORD_ID)
    if version is not None:
        changed = changed.where(form.table.c.version == sa.bindparam("known_version", type_=sa.Integer()))
    bound = {column: sa.bindparam(f"new_{column}", type_=form.table.c[column].type) for column in written}
    parameters = {"record_id": id, "known_version": version, **{f"new_{c}": value for c, value in written.items()}}
    return bool(tx.connection.execute(changed.values(bound), parameters).rowcount == 1)


def update_many(tx: "Tx", form: CompiledForm, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Write columns of many records, whatever their versions: one statement for each set of columns."""
    columns = form.columns
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for id, values in changes.items():
        written = {f"new_{columns[label].key}": value for label, value in values.items() if label in columns}
        alike.setdefault(frozenset(written), []).append({"record_id": id, **written})
    for names, rows in alike.items():
        keys = {name.removeprefix("new_") for name in names}
        bound = {key: sa.bindparam(f"new_{key}", type_=form.table.c[key].type) for key in sorted(keys)}
        if bound:
            changed = sa.update(form.table).where(form.table.c.id == RECORD_ID).values(bound)
            tx.connection.execute(changed, rows if len(rows) > 1 else rows[0])


def write_values(tx: "Tx", field: CompiledField, record: int, before: Sequence[Any], after: Sequence[Any]) -> None:
    """Make the side table of a list field hold these values."""
    if tuple(before) == tuple(after):
        return
    assert field.side_table is not None
    if before:
        gone = sa.delete(field.side_table).where(field.side_table.c.record == RECORD_ID)
        tx.connection.execute(gone, {"record_id": record})
    _insert_values(tx, field, record, after)


def write_rows(tx: "Tx", field: CompiledField, record: int, before: Sequence[Record], changes: RowChanges) -> None:
    """Merge the rows of a subform by their ids: new ones in, changed ones over, gone ones out."""
    rows = field.subform
    assert rows is not None
    known = {row["id"]: row for row in before}
    if changes.deleted:
        tx.connection.execute(sa.delete(rows.table).where(among(rows.table.c.id)), {"ids": list(changes.deleted)})
    for row in changes.updated:
        update(tx, rows, row["id"], {label: row[label] for label in row if label != "id"})
    if changes.created:
        columns = rows.columns
        values = [
            {c.key: {**row, "record": record}.get(label) for label, c in columns.items()} for row in changes.created
        ]
        tx.connection.execute(sa.insert(rows.table), values)
    for each in rows.lists:
        for row in (*changes.created, *changes.updated):
            held = known.get(row["id"], {}).get(each.id) or ()
            write_values(tx, each, row["id"], held, row.get(each.id) or ())


@lru_cache(maxsize=200)
def _insert_into(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


def forget(tx: "Tx", form: CompiledForm, ids: Sequence[int]) -> None:
    """Take records out of their table for good, with their rows and lists."""
    for field in form.subforms:
        rows = field.subform
        assert rows is not None
        row_ids = sa.select(rows.table.c.id).where(rows.table.c.record.in_(ids)).scalar_subquery()
        for each in rows.lists:
            if each.side_table is not None:
                tx.connection.execute(sa.delete(each.side_table).where(each.side_table.c.record.in_(row_ids)))
        tx.connection.execute(sa.delete(rows.table).where(rows.table.c.record.in_(ids)))
    for each in form.lists:
        if each.side_table is not None:
            tx.connection.execute(sa.delete(each.side_table).where(each.side_table.c.record.in_(ids)))
    tx.connection.execute(sa.delete(form.table).where(form.table.c.id.in_(ids)))


def _insert_values(tx: "Tx", field: CompiledField, record: int, values: Sequence[Any]) -> None:
    assert field.side_table is not None
    if values:
        rows = [{"record": record, "value": value, "position": place} for place, value in enumerate(values)]
        tx.connection.execute(sa.insert(field.side_table), rows)
