"""Carries values over to their new columns and fills new formulas and roll-ups, in chunks, with a report per row."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engines.columns import column_type
from engines.compiled import CompiledApp, CompiledField, CompiledForm, Rollup
from engines.expressions import Environment, evaluate, moment_of
from engines.facts import Facts
from engines.forms.conversion import DoesNotConvert, convert, type_of_shape
from engines.forms.schema_plan import SchemaPlan, Step
from engines.forms.work import settle
from engines.totals import sources_of, total_of, totals_by_parent
from engines.values import ValueProblem
from metadata.value_types import ValueType
from runtime.db.number_backfill import numbers

ID = "id"
CHUNK = 1_000
MOST_REPORTED = 1_000
ROWS_PER_SECOND: Mapping[str, int] = {
    "convert": 4_000,
    "fill": 6_000,
    "number": 4_000,
    "move": 4_000,
    "add_index": 100_000,
}
"""What a small machine does that has nothing else to do; from it the pause of a publish is estimated."""


@dataclass(frozen=True)
class Work:
    """What a publish has to do besides moving the pointer: how many records are rewritten, and about how long."""

    rows: int = 0
    seconds: int = 0


NO_WORK = Work()


@dataclass
class Report:
    """What became of the values of one step; `failed` names the records whose value did not fit, up to 1,000."""

    form: str
    field: str
    rows: int = 0
    failures: int = 0
    failed: list[int] = dataclasses.field(default_factory=list)
    touched: set[int] = dataclasses.field(default_factory=set)  # whose value is another one now (not: computed anew)

    def fail(self, record: int) -> None:
        self.failures += 1
        if len(self.failed) < MOST_REPORTED:
            self.failed.append(record)


def backfill(connection: sa.Connection, plan: SchemaPlan, app: CompiledApp, facts: Facts) -> list[Report]:
    """Carry out the `backfill` steps of a plan inside the caller's transaction."""
    return [_carry_out(connection, app, step, facts) for step in plan.of("backfill")]


def _carry_out(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    match step.kind:
        case "convert":
            return _convert(connection, app, step)
        case "move":
            return _move(connection, step)
        case "number":
            return _number(connection, app, step, facts)
    return _fill(connection, app, step, facts)


def work_of(connection: sa.Connection, plan: SchemaPlan) -> Work:
    """How many records a publish would rewrite or read, and for about how long; to be said before it is begun."""
    new = {table.name for step, table in _on_tables(plan) if step.kind == "create_table"}
    long = [(step, table) for step, table in _on_tables(plan) if step.kind in ROWS_PER_SECOND]
    tables = {table.name: table for _, table in long}
    rows = {name: _count(connection, _filled_from(table) if name in new else table) for name, table in tables.items()}
    rewritten = {table.name for step, table in long if step.phase == "backfill"}
    seconds = sum(rows[table.name] / ROWS_PER_SECOND[step.kind] for step, table in long)
    return Work(sum(rows[name] for name in rewritten), math.ceil(seconds))


def _on_tables(plan: SchemaPlan) -> list[tuple[Step, sa.Table]]:
    """The steps of a plan with the table that each of them changes."""
    return [(step, step.table) for step in plan.steps if step.table is not None]


def _filled_from(table: sa.Table) -> sa.Table:
    """The table of the records to which the values of a new side table will belong."""
    return next((key.column.table for key in table.foreign_keys), table)


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


# --- converting ---


def _convert(connection: sa.Connection, app: CompiledApp, step: Step) -> Report:
    form = app.forms[step.form]
    target = form.fields[str(step.field)]
    assert step.source is not None
    old = type_of_shape(step.source.stored.shape)
    report = Report(form.id, target.id)
    for chunk in _old_values(connection, form, step.source.name, old):
        converted = {}
        for record, value in chunk:
            report.rows += 1
            try:
                converted[record] = convert(value, old, target, app.zone)
            except DoesNotConvert:
                report.fail(record)
        _write(connection, form.table, target, converted)
        report.touched.update(record for record, _ in chunk)
    return report


def _number(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    form = app.forms[step.form]
    target = form.fields[str(step.field)]
    report = Report(form.id, target.id)
    for given in numbers(connection, app, form, target, facts, _records(connection, form)):
        _update(connection, form.table, str(target.column), given)
        report.rows += len(given)
        report.touched.update(given)
    return report


def _move(connection: sa.Connection, step: Step) -> Report:
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
        for chunk in _chunks(
            connection, sa.select(form.table.c.id, column).where(column.is_not(None)), form.table.c.id
        ):
            yield [(row[0], row[1]) for row in chunk]
        return
    side = sa.table(source, sa.column("record"), sa.column("value", column_type(old.of or old)), sa.column("position"))
    for chunk in _chunks(connection, sa.select(form.table.c.id), form.table.c.id):
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
        _update(connection, table, target.column, values)


def _update(connection: sa.Connection, table: sa.Table, column: str, values: Mapping[int, Any]) -> None:
    if values:
        statement = (
            table.update()
            .where(table.c.id == sa.bindparam("at_id"))
            .values({column: sa.bindparam("to_value", type_=table.c[column].type)})
        )
        connection.execute(statement, [{"at_id": id, "to_value": value} for id, value in values.items()])


# --- filling ---


def _fill(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    form = app.forms[step.form]
    target = form.fields[str(step.field)]
    report = Report(form.id, target.id)
    if target.rollup is not None:
        _fill_rollup(connection, app, target.rollup, facts, report)
    elif form.parent is None:
        _fill_formula(connection, form, target, facts, report)
    else:
        _fill_row_formula(connection, app.forms[form.parent], form, target, facts, report)
    return report


def _fill_formula(
    connection: sa.Connection, form: CompiledForm, target: CompiledField, facts: Facts, report: Report
) -> None:
    for records in _records(connection, form):
        values = {}
        for record in records:
            report.rows += 1
            try:
                values[record["id"]] = _value(target, Environment(record, facts))
            except ValueProblem:
                report.fail(record["id"])
        _update(connection, form.table, str(target.column), values)


def _fill_row_formula(
    connection: sa.Connection,
    parent: CompiledForm,
    rows: CompiledForm,
    target: CompiledField,
    facts: Facts,
    report: Report,
) -> None:
    for records in _records(connection, parent):
        values = {}
        for record in records:
            for row in record[rows.id]:
                report.rows += 1
                try:
                    values[row["id"]] = _value(target, Environment(record, facts, row=row))
                except ValueProblem:
                    report.fail(row["id"])
        _update(connection, rows.table, str(target.column), values)


def _value(target: CompiledField, environment: Environment) -> Any:
    assert target.expression is not None
    return settle(evaluate(target.expression, environment), target)


def _fill_rollup(connection: sa.Connection, app: CompiledApp, rollup: Rollup, facts: Facts, report: Report) -> None:
    """Total again over all records, as they truly are, and write what came out."""
    parent = app.forms[rollup.form]
    field = parent.fields[rollup.field]
    statement = totals_by_parent(rollup, sources_of(app, rollup, moment_of(facts), connection.dialect.name))
    column = str(field.column)
    connection.execute(parent.table.update().values({column: parent.blank[rollup.field]}))
    totals = {row.parent: total_of(rollup, field, row) for row in connection.execute(statement).all()}
    report.rows = len(totals)
    _update(connection, parent.table, column, {id: settle(value, field) for id, value in totals.items()})


# --- reading what is stored ---


def _records(connection: sa.Connection, form: CompiledForm) -> Iterator[list[dict[str, Any]]]:
    """Records with their rows and lists, by field id, in chunks."""
    for chunk in _chunks(connection, sa.select(form.table), form.table.c.id):
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


def _chunks(connection: sa.Connection, statement: sa.Select[Any], key: sa.ColumnElement[int]) -> Iterator[Any]:
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
