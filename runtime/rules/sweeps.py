"""Sweeps: each minute one statement for each rule finds the records whose moment has come; each fires once.

A row of ff_fired for (rule, record, occurrence) goes out together with the job, so that a moment that two processes
find, or that is found again, fires once; the watermark says up to when all has been seen, so that a missed minute is
caught up.
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from engines.access import truth
from engines.actor import system
from engines.compiled import CompiledApp
from engines.expressions import NotPushable, moment_of, where
from engines.rules import CompiledRule, Sweep, occurrence_of
from engines.rules.triggers.schedule import LONGEST_CATCH_UP
from runtime import jobs, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.facts import facts_of
from runtime.jobs import timers
from runtime.rules.missed import tell_late
from runtime.transaction import Cause

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

log = logging.getLogger("fourfold.sweeps")

OVERLAP = timedelta(minutes=5)  # a save that began before a sweep and ended after it is found by the next
MOST_AT_ONCE = 1000

Mark = tuple[str, int, str]  # rule, record, occurrence


@dataclass(frozen=True)
class Due:
    """A moment that has come: which rule, for which record (and row), and what makes it happen once."""

    rule: str
    form: str
    record: int
    row: int | None
    occurrence: str
    due: datetime

    @property
    def mark(self) -> Mark:
        """What is written down, so that it happens once."""
        return self.rule, self.record, self.occurrence

    def as_json(self) -> dict[str, Any]:
        about = {"rule": self.rule, "form": self.form, "record": self.record, "row": self.row}
        return {**about, "occurrence": self.occurrence, "due": self.due.isoformat()}


def run(services: "Services", now: datetime | None = None) -> int:
    """Sweep all live apps; gives how many moments fired. The schedules of the apps are kept up as well."""
    moment = now or services.clock()
    return sum(run_app(services, name, published, moment) for name, published in _live_apps(services))


def run_app(services: "Services", name: str, published: datetime, now: datetime) -> int:
    """Sweep one app: find what has come due in a read, then write it down with its jobs in one transaction."""
    with transaction.read(services, system("sweeps")) as tx:
        app = services.apps.live(tx, name)
        seen = _watermark(tx, name)
        since = max((seen or published) - OVERLAP, now - LONGEST_CATCH_UP)
        if seen is None:
            since = max(published, now - LONGEST_CATCH_UP)
        found = [due for rule in app.rules.swept for due in _find_safely(tx, app, rule, since, now)]
    if not found and not app.rules.swept and not app.rules.scheduled and not _has_schedules(services, name):
        return 0

    def write(tx: "Tx") -> int:
        if not _advance(tx, name, seen, now):
            return 0  # another process has swept meanwhile
        timers.sync_schedules(tx, app, published)
        tell_late(tx, app, seen, total)
        return fire(tx, app, found[:MOST_AT_ONCE])

    came, total = 0, len(found)
    while len(found) > MOST_AT_ONCE:  # what does not fit one transaction goes before; the watermark moves at the end
        part, found = found[MOST_AT_ONCE:][:MOST_AT_ONCE], found[:MOST_AT_ONCE] + found[2 * MOST_AT_ONCE :]
        came += transaction.run(services, system("sweeps"), partial(fire, app=app, found=part), _cause(name))
    return came + transaction.run(services, system("sweeps"), write, _cause(name))


def fire(tx: "Tx", app: CompiledApp, found: Iterable[Due]) -> int:
    """Write down what came, and make a job of each that is new; always in one order, so that nobody deadlocks."""
    coming = sorted((due for due in found if jobs.has_room(tx, app.name, due.rule)), key=lambda due: due.mark)
    first = _write_marks(tx, app, coming)
    made = {f"{app.name}:{due.rule}:{due.record}:{due.occurrence}": due for due in coming if due.mark in first}
    if made:
        jobs.enqueue_new(tx, "moment", {key: {"app": app.name, **due.as_json()} for key, due in made.items()})
    return len(made)


def fire_missed(tx: "Tx", app: CompiledApp, details: Mapping[str, Any]) -> None:
    """Fire a moment that was past already when its date was set."""
    due = Due(details["rule"], details["form"], details["record"], details["row"], details["at"], tx.now)
    fire(tx, app, [due])


def find(tx: "Tx", app: CompiledApp, rule: CompiledRule, since: datetime, now: datetime) -> list[Due]:
    """What has come due for a rule after `since`, and has not fired yet; one statement."""
    assert rule.form is not None
    moment = moment_of(_facts(tx, app, now))
    sweep = Sweep(
        app=app.name,
        since=since,
        now=now,
        zone=app.zone,
        records=partial(_narrowed, app, rule, moment, tx.dialect),
        others=lambda form: truth(app, form, moment, tx.dialect),
        tables={"stage_span": tables.stage_span, "record_version": tables.record_version},
    )
    statement = rule.trigger.due(rule.when, sweep)
    if statement is None:
        return []
    found = []
    for record, row, value in tx.connection.execute(statement):
        due = rule.trigger.moment(rule.when, value, app.zone)
        if since < due <= now:
            found.append(Due(rule.id, rule.form, record, row, occurrence_of(row, value), due))
    return _new_ones(tx, app, rule, found)


def records_of(tx: "Tx", app: CompiledApp, rule: CompiledRule) -> list[int]:
    """The records that a scheduled rule is about: those of its form that meet its condition."""
    relation = _narrowed(app, rule, moment_of(_facts(tx, app, tx.now)), tx.dialect, rule.form or "")
    return list(tx.connection.scalars(relation.select({"id": relation.column("id")}).order_by(relation.column("id"))))


def _find_safely(tx: "Tx", app: CompiledApp, rule: CompiledRule, since: datetime, now: datetime) -> list[Due]:
    """One broken rule does not stop the others."""
    try:
        return find(tx, app, rule, since, now)
    except Exception:
        log.exception("the sweep of the rule %s of %s failed", rule.name, app.name)
        return []


def _narrowed(app: CompiledApp, rule: CompiledRule, moment: Any, dialect: str, form: str) -> Any:
    """The records of the rule's form, by its condition where that has an SQL form; an else-branch wants them all."""
    relation = truth(app, form, moment, dialect)
    if rule.condition is not None and not rule.otherwise and rule.rows is None:
        with suppress(NotPushable):  # the job asks again in any case, for each record
            relation.where(where(rule.condition.whole, relation, moment, dialect))
    return relation


def _new_ones(tx: "Tx", app: CompiledApp, rule: CompiledRule, found: list[Due]) -> list[Due]:
    """Those that have not fired yet."""
    if not found:
        return []
    fired = tables.fired
    known: set[tuple[int, str]] = set()
    for start in range(0, len(found), 400):
        part = [(due.record, due.occurrence) for due in found[start : start + 400]]
        among = tuple_(fired.c.record, fired.c.occurrence).in_(part)
        wanted = select(fired.c.record, fired.c.occurrence).where(
            fired.c.app == app.name, fired.c.rule == rule.id, among
        )
        known |= {(record, occurrence) for record, occurrence in tx.connection.execute(wanted)}
    return [due for due in found if (due.record, due.occurrence) not in known]


def _write_marks(tx: "Tx", app: CompiledApp, coming: list[Due]) -> set[Mark]:
    """Write the marks in one statement; gives those that were not there yet."""
    if not coming:
        return set()
    fired = tables.fired
    insert_new = postgresql.insert if tx.database.is_postgresql else sqlite.insert
    written = insert_new(fired).on_conflict_do_nothing().returning(fired.c.rule, fired.c.record, fired.c.occurrence)
    rows = [
        {"app": app.name, "rule": rule, "record": id, "occurrence": at} for rule, id, at in (d.mark for d in coming)
    ]
    return {(row.rule, row.record, row.occurrence) for row in tx.connection.execute(written, rows)}


def _cause(app: str) -> Cause:
    return Cause(new_id(), "sweep", app=app)


def _watermark(tx: "Tx", app: str) -> datetime | None:
    found: datetime | None = tx.connection.scalar(
        select(tables.watermark.c.at).where(tables.watermark.c.name == f"sweep:{app}")
    )
    return found


def _advance(tx: "Tx", app: str, seen: datetime | None, now: datetime) -> bool:
    """Move the watermark from where it was read; false when somebody else has moved it."""
    mark, name = tables.watermark, f"sweep:{app}"
    if seen is None:
        if _watermark(tx, app) is not None:
            return False
        tx.connection.execute(insert(mark).values(name=name, at=now))
        return True
    moved = update(mark).where(mark.c.name == name, mark.c.at == seen).values(at=max(now, seen))
    return tx.connection.execute(moved).rowcount == 1


def _live_apps(services: "Services") -> list[tuple[str, datetime]]:
    app, manifest = tables.app, tables.manifest
    live = select(app.c.name, manifest.c.published_at).join(manifest, manifest.c.id == app.c.live)
    with services.database.read() as connection:
        return [(name, published) for name, published in connection.execute(live.order_by(app.c.number))]


def _has_schedules(services: "Services", app: str) -> bool:
    with services.database.read() as connection:
        mine = tables.timer.c.key.startswith(f"schedule:{app}:", autoescape=True)
        return connection.scalar(select(literal(1)).where(mine).limit(1)) is not None


def _facts(tx: "Tx", app: CompiledApp, now: datetime) -> Any:
    return replace(facts_of(tx, app), now=now)
