"""Fills new formulas, totals and running numbers of the records that are there already."""

from typing import Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledField, CompiledForm, Rollup
from engines.expressions import Environment, evaluate, moment_of
from engines.facts import Facts
from engines.forms.schema_plan import Step
from engines.forms.work import settle
from engines.relation.totals import sources_of, total_of, totals_by_parent
from engines.values import ValueProblem
from runtime.db.backfill.numbering import numbers
from runtime.db.backfill.report import Report
from runtime.db.backfill.stored_records import records_of, update_column


def filled(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    """Work out a formula or a total for the records that are there."""
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
    for records in records_of(connection, form):
        values = {}
        for record in records:
            report.rows += 1
            try:
                values[record["id"]] = _value(target, Environment(record, facts))
            except ValueProblem:
                report.fail(record["id"])
        update_column(connection, form.table, str(target.column), values)


def _fill_row_formula(
    connection: sa.Connection,
    parent: CompiledForm,
    rows: CompiledForm,
    target: CompiledField,
    facts: Facts,
    report: Report,
) -> None:
    for records in records_of(connection, parent):
        values = {}
        for record in records:
            for row in record[rows.id]:
                report.rows += 1
                try:
                    values[row["id"]] = _value(target, Environment(record, facts, row=row))
                except ValueProblem:
                    report.fail(row["id"])
        update_column(connection, rows.table, str(target.column), values)


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
    update_column(connection, parent.table, column, {id: settle(value, field) for id, value in totals.items()})


def numbered(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    """Give the records that are there their running numbers."""
    form = app.forms[step.form]
    target = form.fields[str(step.field)]
    report = Report(form.id, target.id)
    for given in numbers(connection, app, form, target, facts, records_of(connection, form)):
        update_column(connection, form.table, str(target.column), given)
        report.rows += len(given)
        report.touched.update(given)
    return report
