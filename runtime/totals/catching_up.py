"""The job behind late totals: works marked totals out anew, some at a time, each lot in a transaction of its own.

A mark goes in the transaction that stores its total, so that each is followed once, however often a worker dies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Row, delete, func, select

from engines.actor import system
from engines.compiled import CompiledApp
from metadata.problems import Refusal
from runtime import transaction
from runtime.db import tables
from runtime.jobs import Job
from runtime.reading.parameters import among
from runtime.records import after_save
from runtime.records.locking import lock_totals
from runtime.totals import derived

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

late_total = tables.late_total

LOT = 500
MOST_MARKS = 5_000
LOT_WITH_RULES = 5  # rules of one record may do 20 things each, and 100 are allowed at once


@dataclass
class _Left:
    """What could not be done: these marks stay, and the job is tried again. `tried` are the marks at hand."""

    marks: set[int] = field(default_factory=set)
    tried: set[int] = field(default_factory=set)
    reason: Refusal | None = None


def settle(services: "Services", job: Job) -> None:
    """Work out every total that is marked by now; what a rule refuses is left, told at the end and tried again."""
    last = _last_mark(services, job.payload["app"])
    left = _Left()
    while _settle_lot(services, job, last, left):
        pass
    if left.reason is not None:
        raise left.reason


def _settle_lot(services: "Services", job: Job, last: int, left: _Left) -> bool:
    """Do one lot; where that is refused, one record after the other. False when nothing is left to do."""
    for most in (LOT, 1):
        work = partial(_work, job=job, last=last, left=left, most=most)
        try:
            return transaction.run(services, system("totals"), work, job.own_cause)
        except Refusal as reason:
            refused = reason
    left.reason = refused
    left.marks |= left.tried
    return True


def _work(tx: "Tx", job: Job, last: int, left: _Left, most: int) -> bool:
    tx.notes["hops"] = job.payload.get("hops", 0)
    app = tx.services.apps.live(tx, job.payload["app"])
    marks = _lot(tx, app, last, left.marks, most)
    left.tried = {mark.id for mark in marks}
    if not marks:
        return False
    form = app.forms.get(marks[0].form)
    if form is not None:
        due: dict[str, set[int]] = {}
        for mark in marks:
            due.setdefault(mark.field, set()).add(mark.parent)
        lock_totals(tx, app, form, {mark.parent for mark in marks}, due)
        for event in derived.renew(tx, app, form, due):
            after_save.follow(tx, app, event)
    tx.connection.execute(delete(late_total).where(among(late_total.c.id)), {"ids": sorted(left.tried)})
    return True


def _lot(tx: "Tx", app: CompiledApp, last: int, left: set[int], most: int) -> Sequence[Row]:
    """All marks of the next few records of one form; no other worker takes them meanwhile."""
    due = (late_total.c.app == app.name) & (late_total.c.id <= last) & late_total.c.id.not_in(left)
    first = tx.connection.scalar(select(late_total.c.form).where(due).order_by(late_total.c.id).limit(1))
    if first is None:
        return ()
    if app.rules is not None and app.rules.follows(first):
        most = min(most, LOT_WITH_RULES)
    of_form = due & (late_total.c.form == first)
    parents = select(late_total.c.parent).where(of_form).group_by(late_total.c.parent).limit(most)
    chosen = select(late_total).where(of_form, late_total.c.parent.in_(parents)).limit(MOST_MARKS)
    return tx.connection.execute(chosen.with_for_update(skip_locked=True)).all()


def _last_mark(services: "Services", app: str) -> int:
    with services.database.read() as connection:
        return connection.scalar(select(func.max(late_total.c.id)).where(late_total.c.app == app)) or 0
