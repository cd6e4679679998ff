"""Timers: rows that say when something is due; moved by an update, cancelled by a delete, in the user's transaction.

A tick promotes what is due into jobs, in the transaction that also moves the timer on or takes it away.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, insert, literal, select, update

from engines.actor import system
from engines.rules.triggers.schedule import is_late, next_run, runs_due, to_be_run
from runtime import transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import queue
from runtime.rules.missed import Missed, tell_missed
from runtime.transaction import Cause

if TYPE_CHECKING:
    from engines.compiled import CompiledApp
    from runtime.services import Services
    from runtime.transaction import Tx

timer = tables.timer

MOST_AT_ONCE = 200


def set_timer(tx: "Tx", key: str, kind: str, due: datetime, payload: Mapping[str, Any]) -> None:
    """Have a job of this kind made at a moment; the same key again moves it."""
    moved = update(timer).where(timer.c.key == key).values(kind=kind, due=due, payload=dict(payload))
    if tx.connection.execute(moved).rowcount == 0:
        row = {"key": key, "kind": kind, "due": due, "payload": dict(payload), "cron": None, "zone": None}
        tx.connection.execute(insert(timer).values(row))


def cancel(tx: "Tx", key: str) -> None:
    """Forget a timer."""
    tx.connection.execute(delete(timer).where(timer.c.key == key))


def cancel_all(tx: "Tx", prefix: str) -> None:
    """Forget every timer whose key begins so."""
    tx.connection.execute(delete(timer).where(timer.c.key.startswith(prefix, autoescape=True)))


def run(services: "Services", now: datetime | None = None) -> int:
    """Make jobs of all timers that are due; gives how many timers came."""
    came = 0
    while True:
        moment = now or services.clock()
        with services.database.read() as connection:
            if connection.scalar(select(timer.c.key).where(_is_due(moment)).limit(1)) is None:
                return came
        promoted = transaction.run(services, system("timers"), partial(_tick, now=moment), Cause(new_id(), "timer"))
        came += promoted
        if promoted < MOST_AT_ONCE:
            return came


def sync_schedules(tx: "Tx", app: "CompiledApp", since: datetime) -> None:
    """Keep one timer for each scheduled rule of the live app; a new one counts from `since`."""
    prefix = f"schedule:{app.name}:"
    known = {
        row.key: row
        for row in tx.connection.execute(select(timer).where(timer.c.key.startswith(prefix, autoescape=True)))
    }
    wanted = {f"{prefix}{rule.id}": rule for rule in app.rules.scheduled}
    for key in known.keys() - wanted.keys():
        cancel(tx, key)
    for key, rule in wanted.items():
        cron, row = rule.when.cron, known.get(key)
        payload = {"app": app.name, "rule": rule.id, "catch_up": rule.when.catch_up}
        if row is None or row.cron != cron or row.zone != str(app.zone):
            cancel(tx, key)
            due = next_run(cron, since if row is None else tx.now, app.zone)
            values = {"key": key, "kind": "schedule", "due": due, "payload": payload}
            tx.connection.execute(insert(timer).values(**values, cron=cron, zone=str(app.zone)))
        elif row.payload != payload:
            tx.connection.execute(update(timer).where(timer.c.key == key).values(payload=payload))


def _tick(tx: "Tx", now: datetime) -> int:
    due = select(timer).where(_is_due(now)).order_by(timer.c.due).limit(MOST_AT_ONCE)
    rows = tx.connection.execute(due.with_for_update(skip_locked=True)).all()
    missed = []
    for row in rows:
        if row.cron:
            missed += _recur(tx, row, now)
        else:
            payload = {**row.payload, "due": row.due.isoformat()}
            queue.enqueue(tx, row.kind, f"timer:{row.key}@{row.due.isoformat()}", payload)
            cancel(tx, row.key)
    tell_missed(tx, missed)
    return len(rows)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """What has come; the schedules of paused rules wait, and are caught up when these go on."""
    state = tables.rule_state
    key = literal("schedule:").concat(state.c.app).concat(":").concat(state.c.rule)
    standing = select(state.c.rule).where(state.c.paused_at.is_not(None), key == timer.c.key)
    return and_(timer.c.due <= now, ~standing.exists())


def _recur(tx: "Tx", row: Any, now: datetime) -> list[Missed]:
    """Make a job of each run that came (as many as the rule wants to catch up), and plan the next."""
    zone = ZoneInfo(row.zone)
    runs = runs_due(row.cron, row.due, now, zone)
    done = to_be_run(runs, now, row.payload.get("catch_up", "last"))
    for moment in done:
        payload = {**row.payload, "due": moment.isoformat()}
        queue.enqueue(tx, row.kind, f"timer:{row.key}@{moment.isoformat()}", payload)
    late = [run for run in runs if is_late(run, now)]
    moved: dict[str, Any] = {"due": next_run(row.cron, now, zone)}
    missed = []
    if late:
        caught_up = len([run for run in done if run in late])
        missed = [Missed(row.payload["app"], row.payload["rule"], len(late), caught_up, late[0], late[-1])]
        moved["missed"] = missed[0].as_json()
    tx.connection.execute(update(timer).where(timer.c.key == row.key).values(moved))
    return missed
