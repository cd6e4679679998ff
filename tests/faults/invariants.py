"""What must hold in every database at every moment, whatever was killed: each broken promise is one line."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from engines.actor import system
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.forms.execute import recalculate
from runtime import storage, transaction
from runtime.db import ddl, tables
from runtime.facts import facts_of
from runtime.services import Services
from runtime.totals import derived, late_totals
from runtime.transaction import Tx

entry, task, decision, instance = tables.record_version, tables.task, tables.decision, tables.flow_instance


def broken(services: Services) -> list[str]:
    """Every promise that does not hold, over all live apps."""
    with transaction.read(services, system("test")) as tx:
        found = list(_of_platform(tx))
        for name in services.apps.names(tx.connection):
            found += _of_app(tx, services.apps.live(tx, name))
    return found


def _of_platform(tx: Tx) -> Iterator[str]:
    yield from _decisions(tx)
    yield from _tokens(tx)
    unfinished = sa.select(tables.idempotency.c.key).where(tables.idempotency.c.state == "running")
    yield from (f"the idempotency key {key} was committed half done" for key in tx.connection.scalars(unfinished))


def _of_app(tx: Tx, app: CompiledApp) -> Iterator[str]:
    yield from (f"the tables are not those of the live manifest: {line}" for line in ddl.drift(tx.connection, app))
    for form in app.forms.values():
        if form.parent is not None:
            yield from _orphans(tx, form, form.table.c.record, app.forms[form.parent], "row")
            continue
        yield from _histories(tx, app, form)
        yield from _totals(tx, app, form)
        for field in form.fields.values():
            yield from _numbers(tx, form, field)
            yield from _links(tx, app, form, field)


def _histories(tx: Tx, app: CompiledApp, form: CompiledForm) -> Iterator[str]:
    """A record's version counts its entries that are not derived; its entries are numbered without a gap."""
    mine = sa.select(entry.c.record, entry.c.seq, entry.c.op, entry.c.version)
    entries: dict[int, list[Any]] = {}
    for row in tx.connection.execute(mine.where(entry.c.app == app.name, entry.c.form == form.id)):
        entries.setdefault(row.record, []).append(row)
    versions = {row.id: row.version for row in tx.connection.execute(sa.select(form.table.c.id, form.table.c.version))}
    for id, version in versions.items():
        told = sorted(entries.pop(id, []), key=lambda each: each.seq)
        own = [each.version for each in told if each.op != "derived"]
        if own != list(range(1, version + 1)):
            yield f"{form.name} {id} has version {version}, its history tells of {own}"
        if [each.seq for each in told] != list(range(1, len(told) + 1)):
            yield f"{form.name} {id} has a gap in its history: {[each.seq for each in told]}"
    yield from (f"there is a history of {form.name} {id}, which does not exist" for id in entries)


def _totals(tx: Tx, app: CompiledApp, form: CompiledForm) -> Iterator[str]:
    """Roll-ups and stored formulas are what they would be if they were computed now; late ones once nothing waits."""
    ids = tx.connection.scalars(sa.select(form.table.c.id)).all()
    facts = facts_of(tx, app)
    late = late_totals.updating(tx, app, form, ids)
    totals = {rollup.field: derived.recompute(tx, app, rollup, ids) for rollup in form.rollups}
    for id, record in storage.load(tx, app, form, ids).items():
        for field, fresh in totals.items():
            if record[field] != fresh[id] and field not in late.get(id, ()):
                yield f"{form.name} {id}: {field} is {record[field]}, should be {fresh[id]}"
        for field, value in recalculate(app, form.id, record, facts).items():
            yield f"{form.name} {id}: {field} is {record[field]}, should be {value}"


def _numbers(tx: Tx, form: CompiledForm, field: CompiledField) -> Iterator[str]:
    """Auto-numbers are unique and, within what stands before them, consecutive."""
    if field.storage != "number":
        return
    series: dict[str, list[int]] = {}
    for text in tx.connection.scalars(sa.select(form.table.c[field.column])):
        before, digits = re.fullmatch(r"(.*?)(\d+)", text or "?0").groups()  # type: ignore[union-attr]
        series.setdefault(before, []).append(int(digits))
    for before, numbers in series.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"{form.name}.{field.name}: the numbers {before}… are not 1 to {len(numbers)}: {sorted(numbers)}"


def _links(tx: Tx, app: CompiledApp, form: CompiledForm, field: CompiledField) -> Iterator[str]:
    """What a link points to exists, and so does the record of every value in a list."""
    if field.side_table is not None:
        yield from _orphans(tx, form, field.side_table.c.record, form, f"value of {field.name}")
    elif field.target is not None and field.column is not None:
        yield from _orphans(tx, form, form.table.c[field.column], app.forms[field.target], f"link {field.name}")


def _orphans(tx: Tx, form: CompiledForm, column: sa.Column[Any], target: CompiledForm, what: str) -> Iterator[str]:
    there = target.table.alias()
    lost = sa.select(column).where(column.is_not(None), ~sa.exists().where(there.c.id == column))
    yield from (
        f"{form.name}: a {what} points to {target.name} {id}, which is not there" for id in tx.connection.scalars(lost)
    )


def _decisions(tx: Tx) -> Iterator[str]:
    """A task that somebody decided has one decision, any other has none."""
    made = Counter(tx.connection.scalars(sa.select(decision.c.task).where(decision.c.task.is_not(None))))
    for row in tx.connection.execute(sa.select(task.c.id, task.c.state, task.c.decided_by)):
        wanted = 1 if row.decided_by is not None else 0
        if made[row.id] != wanted:
            yield f"task {row.id} ({row.state}) has {made[row.id]} decisions instead of {wanted}"


def _tokens(tx: Tx) -> Iterator[str]:
    """A running flow waits for somebody, one that has ended for nobody; a record runs through one flow at a time."""
    waiting = Counter(tx.connection.scalars(sa.select(task.c.instance).where(task.c.state == "open")))
    running: Counter[tuple[str, int]] = Counter()
    for row in tx.connection.execute(sa.select(instance)):
        is_open = row.ended_at is None
        running[row.form, row.record] += is_open
        if is_open != (waiting[row.id] > 0):
            yield f"the flow {row.id} is {row.state} with {waiting[row.id]} open tasks"
    yield from (f"{count} flows run on {key}" for key, count in running.items() if count > 1)
