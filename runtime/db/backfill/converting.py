"""Carries values over: to the column of another type, or from an option that is gone to the one that took over."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engines.columns import column_type
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.forms.conversion import DoesNotConvert, convert, type_of_shape
from engines.forms.schema_plan import Step
from metadata.value_types import ValueType
from runtime.db.backfill.report import Report
from runtime.db.backfill.stored_records import chunks, update_column

ID = "id"


def converted(connection: sa.Connection, app: CompiledApp, step: Step) -> Report:
    """Write the values of a field that got another type into its new column; what does not fit is told."""
    form = app.forms[step.form]
    target = form.fields[str(step.field)]
    assert step.source is not None
    old = type_of_shape(step.source.stored.shape)
    report = Report(form.id, target.id)
    for chunk in _old_values(connection, form, step.source.name, old):
        fitting = {}
        for record, value in chunk:
            report.rows += 1
            try:
                fitting[record] = convert(value, old, target, app.zone)
            except DoesNotConvert:
                report.fail(record)
        _write(connection, form.table, target, fitting)
        report.touched.update(record for record, _ in chunk)
    return report


def moved(connection: sa.Connection, step: Step) -> Report:
    """Records whose option is gone take the one that took over; one that has both keeps it once."""
    assert step.table is not None
    report = Report(step.form, str(step.field))
    column = step.table.c[step.column or "value"]
    owner = step.table.c[ID if step.column else "record"]
    for old, new in step.moves:
        report.touched.update(connection.scalars(sa.select(owner).where(column == old)))
        moving = step.table.update().where(column == old).values({column.name: new})
        if step.column is None:
            other = step.table.alias()
            has_both = sa.exists().where(other.c.record == step.table.c.record, other.c.value == new)
            moving = moving.where(~has_both)
        report.rows += connection.execute(moving).rowcount
        if step.column is None:
            report.rows += connection.execute(step.table.delete().where(column == old)).rowcount
    return report


def _old_values(
    connection: sa.Connection, form: CompiledForm, source: str, old: ValueType
) -> Iterator[list[tuple[int, Any]]]:
    if old.name != "list":
        column: sa.ColumnClause[Any] = sa.column(source, column_type(old))
        for chunk in chunks(connection, sa.select(form.table.c.id, column).where(column.is_not(None)), form.table.c.id):
            yield [(row[0], row[1]) for row in chunk]
        return
    side = sa.table(source, sa.column("record"), sa.column("value", column_type(old.of or old)), sa.column("position"))
    for chunk in chunks(connection, sa.select(form.table.c.id), form.table.c.id):
        ids = [row[0] for row in chunk]
        listed = sa.select(side.c.record, side.c.value).where(side.c.record.in_(ids)).order_by(side.c.position)
        values: dict[int, list[Any]] = {}
        for record, value in connection.execute(listed):
            values.setdefault(record, []).append(value)
        yield [(record, tuple(found)) for record, found in values.items()]


def _write(connection: sa.Connection, table: sa.Table, target: CompiledField, values: Mapping[int, Any]) -> None:
    if target.side_table is not None:
        rows = [
            {"record": record, "value": value, "position": position}
            for record, listed in values.items()
            for position, value in enumerate(listed or ())
        ]
        if rows:
            connection.execute(target.side_table.insert(), rows)
    elif target.column is not None:
        update_column(connection, table, target.column, values)
