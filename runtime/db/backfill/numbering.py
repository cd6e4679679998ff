"""Numbers the records that were there before their form had automatic numbers, in the order of their creation."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.facts import Facts
from engines.forms.numbering import number_text, period_of
from runtime.db import tables

Records = Iterator[list[dict[str, Any]]]


def numbers(
    connection: sa.Connection, app: CompiledApp, form: CompiledForm, field: CompiledField, facts: Facts, all: Records
) -> Iterator[dict[int, str]]:
    """Give, chunk by chunk, the number of each record that has none; at the end the counters stand where it ended.

    Each record counts in the period in which it was created. What stands there already (of a text that becomes a
    number, of a field that comes back) is kept, and is not given again.
    """
    counter = tables.counter
    mine = sa.and_(counter.c.app == app.name, counter.c.field == field.id)
    counts = {row.period: int(row.value) for row in connection.execute(sa.select(counter).where(mine))}
    column = form.table.c[str(field.column)]
    taken = set(connection.scalars(sa.select(column).where(column.is_not(None))))
    for records in all:
        given = {}
        for record in records:
            if record.get(field.id) is None:
                given[record["id"]] = _next(app, form, field, facts, record, counts, taken)
        yield given
    connection.execute(sa.delete(counter).where(mine))
    rows = [{"app": app.name, "field": field.id, "period": period, "value": value} for period, value in counts.items()]
    if rows:
        connection.execute(sa.insert(counter), rows)


def _next(
    app: CompiledApp,
    form: CompiledForm,
    field: CompiledField,
    facts: Facts,
    record: Mapping[str, Any],
    counts: dict[str, int],
    taken: set[str],
) -> str:
    day = (record.get("created_at") or facts.now).astimezone(app.zone).date()
    period = period_of(field, day)
    while True:
        counts[period] = counts.get(period, 0) + 1
        text = number_text(field, form, counts[period], day, record)
        if text not in taken:
            taken.add(text)
            return text
