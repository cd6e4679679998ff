"""The nightly check of all totals: what is stored against a count from scratch, some records at a time.

Nothing should ever be found. What is, is told in the log, in the audit trail and to those who look after the apps,
and worked out anew by the same job as late totals. Where it stopped is kept, so that a worker's death costs little.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engines.actor import system
from engines.compiled import CompiledApp, Rollup
from engines.expressions import moment_of
from engines.relation.totals import sources_of, total_of, totals_by_parent
from engines.rules.triggers.schedule import next_run
from metadata.text import Text, say
from runtime import audit, transaction
from runtime.db import tables
from runtime.facts import facts_of
from runtime.jobs import Job
from runtime.notifications import tell_keepers
from runtime.totals import late_totals

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

log = logging.getLogger("fourfold.totals")

KIND = "check_totals"
NIGHTLY = "0 3 * * *"  # by the clock of the app
LOT = 1_000
MOST_NAMED = 20

timer, total_check, late_total = tables.timer, tables.total_check, tables.late_total


@dataclass(frozen=True)
class Place:
    """How far the check of an app has come tonight: up to which record of which roll-up, and what it has found."""

    night: str
    field: str | None
    after: int = 0
    checked: int = 0
    repaired: int = 0


def plan(services: "Services") -> None:
    """See to it that every live app has its next check; the one before took its timer with it."""
    with transaction.read(services, system("totals")) as tx:
        known = set(tx.connection.scalars(sa.select(timer.c.key).where(timer.c.kind == KIND)))
        missing = [app for app in services.apps.names(tx.connection) if _timer_key(app) not in known]
    if missing:
        transaction.run(services, system("totals"), partial(_plan_next, apps=missing))


def check(services: "Services", job: Job) -> None:
    """Compare every stored total of an app with a count from scratch, and have those that differ worked out anew."""
    app, night = job.payload["app"], job.payload["due"]
    place = transaction.run(services, system("totals"), lambda tx: _begin(tx, app, night), job.own_cause)
    while place is not None and place.field is not None:
        ids, drifted = _compare(services, app, place)
        go_on = partial(_go_on, app=app, place=place, ids=ids, drifted=drifted)
        place = transaction.run(services, system("totals"), go_on, job.own_cause)


def repaired(connection: sa.Connection) -> int:
    """How many totals were ever found to have drifted."""
    return connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(total_check.c.repaired_ever), 0))) or 0


# --- comparing ---


def _compare(services: "Services", app: str, place: Place) -> tuple[Sequence[int], list[int]]:
    """The next records, and those of them whose stored total differs though nothing is on its way; one statement."""
    with transaction.read(services, system("totals")) as tx:
        compiled = services.apps.live(tx, app)
        rollup = next((each for each in compiled.rollups if each.field == place.field), None)
        if rollup is None:
            return (), []
        key = ("check totals", rollup.form, rollup.field, tx.dialect)
        statement = compiled.memory.remember(key, lambda: _statement(tx, compiled, rollup))
        rows = tx.connection.execute(statement, {"after": place.after, "lot": LOT, "app": app}).all()
    field = compiled.forms[rollup.form].fields[rollup.field]
    drifted = [row.id for row in rows if not row.waits and row.stored != total_of(rollup, field, row)]
    return [row.id for row in rows], drifted


def _statement(tx: "Tx", app: CompiledApp, rollup: Rollup) -> sa.Select[Any]:
    """Some records with the total that is stored, the one that is counted, and whether a job is on its way."""
    parent = app.forms[rollup.form]
    stored = parent.table.c[parent.fields[rollup.field].column or ""]
    lot = (
        sa.select(parent.table.c.id, stored.label("stored"))
        .where(parent.table.c.id > sa.bindparam("after", type_=sa.BigInteger()))
        .order_by(parent.table.c.id)
        .limit(sa.bindparam("lot", type_=sa.Integer()))
        .cte("lot")
    )
    sources = sources_of(app, rollup, moment_of(facts_of(tx, app)), tx.dialect)
    counted = totals_by_parent(rollup, sources, sources.parent.in_(sa.select(lot.c.id))).subquery("counted")
    mine = sa.and_(
        late_total.c.app == sa.bindparam("app", type_=sa.Text()),
        late_total.c.form == rollup.form,
        late_total.c.field == rollup.field,
        late_total.c.parent == lot.c.id,
    )
    waits = sa.select(sa.literal(1)).select_from(late_total).where(mine).correlate(lot).exists()
    totals = [column for column in counted.c if column.name != "parent"]
    joined = lot.outerjoin(counted, counted.c.parent == lot.c.id)
    return sa.select(lot.c.id, lot.c.stored, waits.label("waits"), *totals).select_from(joined).order_by(lot.c.id)


# --- going on ---


def _begin(tx: "Tx", app: str, night: str) -> Place | None:
    """Where to go on tonight; None when all is done. What was left marked is called for once more."""
    row = tx.connection.execute(sa.select(total_check).where(total_check.c.app == app)).one_or_none()
    if row is not None and row.night == night:
        return None if row.finished_at is not None else _place(row)
    if late_totals.waiting(tx.connection, app):
        late_totals.call(tx, app)
    first = next((rollup.field for rollup in tx.services.apps.live(tx, app).rollups), None)
    place = Place(night, first)
    if row is None:
        tx.connection.execute(sa.insert(total_check).values(app=app, repaired_ever=0, **_columns(tx, place)))
    else:
        _store(tx, app, place)
    return place


def _go_on(tx: "Tx", app: str, place: Place, ids: Sequence[int], drifted: list[int]) -> Place:
    """Have drifted totals worked out anew and said; then the next records, or the next roll-up."""
    here = (total_check.c.night == place.night) & (total_check.c.field == place.field)
    mine = sa.select(total_check.c.app).where(total_check.c.app == app, here, total_check.c.after == place.after)
    if tx.connection.scalar(mine.with_for_update()) is None:
        return replace(place, field=None)  # another worker goes on, or another night has begun
    compiled = tx.services.apps.live(tx, app)
    if drifted:
        rollup = next(each for each in compiled.rollups if each.field == place.field)
        late_totals.mark(tx, compiled, rollup, drifted)
        _say_in_log_and_audit(tx, compiled, rollup, drifted)
        ever = total_check.c.repaired_ever + len(drifted)
        tx.connection.execute(sa.update(total_check).where(total_check.c.app == app).values(repaired_ever=ever))
    on = replace(place, checked=place.checked + len(ids), repaired=place.repaired + len(drifted))
    if len(ids) == LOT:
        on = replace(on, after=ids[-1])
    else:
        on = replace(on, after=0, field=_following(compiled, place.field))
    _store(tx, app, on)
    if on.field is None and on.repaired:
        title: Text = {
            "en": f"{say(compiled.title, 'en')}: {on.repaired} roll-ups were wrong and are being put right",
            "zh": f"{say(compiled.title, 'zh')}：发现 {on.repaired} 个汇总有误，正在修复",
        }
        tell_keepers(tx.connection, tx.organisation, tx.now, title, FINDING)
    return on


def _following(app: CompiledApp, field: str | None) -> str | None:
    fields = [rollup.field for rollup in app.rollups]
    return next(iter(fields[fields.index(field) + 1 :]), None) if field in fields else None


def _say_in_log_and_audit(tx: "Tx", app: CompiledApp, rollup: Rollup, drifted: list[int]) -> None:
    form = app.forms[rollup.form]
    name = form.fields[rollup.field].name
    named = [str(id) for id in drifted[:MOST_NAMED]]
    log.warning("%d totals %s.%s of %s had drifted: records %s", len(drifted), form.name, name, app.name, named)
    detail = {"form": form.name, "field": name, "count": len(drifted), "records": named}
    audit.note(tx, "totals_repaired", kind="field", object=rollup.field, app=app.name, detail=detail)


# --- what is kept ---


def _plan_next(tx: "Tx", apps: Sequence[str]) -> None:
    zones = {app: tx.services.apps.live(tx, app).zone for app in apps}
    rows = [
        {"key": _timer_key(app), "due": next_run(NIGHTLY, tx.now, zone), "kind": KIND, "payload": {"app": app}}
        for app, zone in zones.items()
    ]
    insert_new = postgresql.insert if tx.database.is_postgresql else sqlite.insert
    tx.connection.execute(insert_new(timer).values(rows).on_conflict_do_nothing())


def _timer_key(app: str) -> str:
    return f"totals:{app}"


def _place(row: Any) -> Place:
    return Place(row.night, row.field, row.after or 0, row.checked, row.repaired)


def _store(tx: "Tx", app: str, place: Place) -> None:
    tx.connection.execute(sa.update(total_check).where(total_check.c.app == app).values(**_columns(tx, place)))


def _columns(tx: "Tx", place: Place) -> dict[str, Any]:
    return {
        "night": place.night,
        "field": place.field,
        "after": place.after,
        "checked": place.checked,
        "repaired": place.repaired,
        "finished_at": tx.now if place.field is None else None,
    }


FINDING: Text = {
    "en": "The nightly check found stored roll-ups that differ from a count of their records. They are worked out "
    "anew; the audit trail and the log name them. Please tell whoever maintains the platform.",
    "zh": "夜间检查发现已存储的汇总与记录的实际统计不一致，现已重新计算。具体字段与记录见审计日志和系统日志。"
    "请告知平台维护人员。",
}
