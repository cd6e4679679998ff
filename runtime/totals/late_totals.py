"""Totals that are not brought up to date within a save: each gets a mark in its transaction, and a job follows.

Marks are only added by those who save and only taken away by the job that has worked the total out anew, so that
nobody waits for anybody and no mark is lost. As long as there is one, the total is shown as updating.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from engines.compiled import CompiledApp, CompiledForm, Rollup
from runtime import jobs
from runtime.db import tables
from runtime.db.ids import new_id

if TYPE_CHECKING:
    from runtime.transaction import Tx

late_total = tables.late_total
job = tables.job

KIND = "late_totals"
DELAY = timedelta(seconds=1)  # what is saved within it is done by one job
CHUNK = 1_000
NOTES = "late totals"

Marked = dict[tuple[str, str, str, int], None]  # app, form, field, parent; in the order in which they came


def mark(tx: "Tx", app: CompiledApp, rollup: Rollup, parents: Iterable[int]) -> None:
    """Have the total of these parents worked out after the commit."""
    marked: Marked = tx.notes.setdefault(NOTES, {})
    marked.update(((app.name, rollup.form, rollup.field, parent), None) for parent in parents)
    if marked:
        tx.before_flush(_write_down)


def updating(tx: "Tx", app: CompiledApp, form: CompiledForm, ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Which fields of some records are about to change: marked totals, and what is computed from them."""
    wanted = sorted(set(ids))
    if not form.rollups or not wanted:
        return {}
    marks = select(late_total.c.parent, late_total.c.field).distinct()
    of_form = (late_total.c.app == app.name) & (late_total.c.form == form.id)
    found: dict[int, set[str]] = {}
    for start in range(0, len(wanted), CHUNK):
        among = late_total.c.parent.in_(wanted[start : start + CHUNK])
        for parent, field in tx.connection.execute(marks.where(of_form, among)):
            found.setdefault(parent, set()).add(field)
    return {id: _with_what_rests_on(form, fields) for id, fields in found.items()}


def waiting(connection: Connection, app: str | None = None) -> int:
    """How many marks there are, of one app or of all."""
    counted = select(func.count()).select_from(late_total)
    return connection.scalar(counted if app is None else counted.where(late_total.c.app == app)) or 0


def call(tx: "Tx", app: str) -> None:
    """Have a job look at the marks of an app, unless one will that has not begun yet.

    Its row is held until the end of this transaction, so that it cannot begin before our marks are there to be seen.
    What a job causes gets a job of its own, or the length of a chain of jobs could not be known.
    """
    hops = tx.notes.get("hops", 0)
    coming = (job.c.kind == KIND) & (job.c.state == "queued") & (job.c.run_at > tx.now)
    mine = job.c.key.startswith(f"{KIND}:{app}:", autoescape=True)
    held = select(job.c.key).where(coming, mine).limit(1).with_for_update(read=True, skip_locked=True)
    if hops or tx.connection.scalar(held) is None:
        jobs.enqueue(tx, KIND, f"{KIND}:{app}:{tx.cause.id}", {"app": app}, DELAY.total_seconds())


def _write_down(tx: "Tx") -> None:
    marked: Marked = tx.notes.pop(NOTES, {})
    rows: list[Mapping[str, Any]] = [
        {"id": new_id(), "app": app, "form": form, "field": field, "parent": parent, "at": tx.now}
        for app, form, field, parent in marked
    ]
    if rows:
        tx.connection.execute(insert(late_total), rows)
        for app in sorted({row["app"] for row in rows}):
            call(tx, app)


def _with_what_rests_on(form: CompiledForm, fields: set[str]) -> frozenset[str]:
    reached = set(fields)
    for holder, id in (*form.formula_order, *form.computed_order):
        expression = form.fields[id].expression if holder == form.id else None
        if expression is not None and any(path[1] in reached for path in expression.reads if len(path) > 1):
            reached.add(id)
    return frozenset(reached)
