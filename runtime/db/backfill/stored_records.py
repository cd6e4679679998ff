"""Reads records as they are stored, and writes their columns again, in chunks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engines.compiled import CompiledField, CompiledForm

CHUNK = 1_000


def records_of(connection: sa.Connection, form: CompiledForm) -> Iterator[list[dict[str, Any]]]:
    """Records with their rows and lists, by field id, in chunks."""
    for chunk in chunks(connection, sa.select(form.table), form.table.c.id):
        records = [_by_field(form, dict(row._mapping)) for row in chunk]
        _add_lists(connection, form, records)
        for each in form.subforms:
            if each.subform is not None:
                _add_rows(connection, each, each.subform, records)
        yield records


def _by_field(form: CompiledForm, row: Mapping[str, Any]) -> dict[str, Any]:
    stored = {each.column for each in form.stored}
    system_values = {name: value for name, value in row.items() if name not in stored}
    return {**system_values, **{each.id: row[str(each.column)] for each in form.stored}}


def _add_lists(connection: sa.Connection, form: CompiledForm, records: Sequence[dict[str, Any]]) -> None:
    by_id = {record["id"]: record for record in records}
    for each in form.lists:
        side = each.side_table
        if side is None:
            continue
        for record in records:
            record[each.id] = ()
        listed = sa.select(side.c.record, side.c.value).where(side.c.record.in_(by_id)).order_by(side.c.position)
        for record_id, value in connection.execute(listed):
            by_id[record_id][each.id] += (value,)


def _add_rows(
    connection: sa.Connection, field: CompiledField, rows: CompiledForm, records: Sequence[dict[str, Any]]
) -> None:
    by_id = {record["id"]: record for record in records}
    found: dict[int, list[dict[str, Any]]] = {id: [] for id in by_id}
    statement = sa.select(rows.table).where(rows.table.c.record.in_(by_id))
    for row in connection.execute(statement.order_by(rows.table.c.position, rows.table.c.id)):
        found[row.record].append(_by_field(rows, dict(row._mapping)))
    _add_lists(connection, rows, [row for listed in found.values() for row in listed])
    for id, listed in found.items():
        by_id[id][field.id] = tuple(listed)


def chunks(connection: sa.Connection, statement: sa.Select[Any], key: sa.ColumnElement[int]) -> Iterator[Any]:
    """The rows of a statement in chunks, by ascending id, so that writing between them disturbs nothing."""
    last = None
    while True:
        at = statement if last is None else statement.where(key > last)
        rows = connection.execute(at.order_by(key).limit(CHUNK)).all()
        if rows:
            yield rows
            last = rows[-1].id
        if len(rows) < CHUNK:
            return


def update_column(connection: sa.Connection, table: sa.Table, column: str, values: Mapping[int, Any]) -> None:
    """Write a column of some records, by their ids."""
    if values:
        statement = (
            table.update()
            .where(table.c.id == sa.bindparam("at_id"))
            .values({column: sa.bindparam("to_value", type_=table.c[column].type)})
        )
        connection.execute(statement, [{"at_id": id, "to_value": value} for id, value in values.items()])
