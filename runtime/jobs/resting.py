"""Jobs that rest: dead letters and the jobs of paused rules, brought back or given up by people; and how many wait."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from metadata.problems import ROOT, Conflict, NotFound, Problem
from metadata.text import Text
from runtime import audit
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.notifications import tell_keepers_daily

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

job = tables.job

KEPT = timedelta(days=30)
MANY_WAITING = 10_000  # L43: then the keepers are told
WAITING = ("queued", "running", "held")
_ANOTHER_ROUND: Mapping[str, Any] = {"state": "queued", "attempt": 0, "last_error": None, "finished_at": None}
HANDED_OVER_AT_ONCE = 1000  # what is more is found by the worker within minutes


def dead_letters(connection: Connection, limit: int = 100) -> list[Mapping[str, Any]]:
    """The jobs that failed for good, the latest first."""
    found = select(job).where(job.c.state == "dead").order_by(job.c.finished_at.desc()).limit(limit)
    return [dict(row) for row in connection.execute(found).mappings()]


def retry(tx: "Tx", key: str) -> None:
    """Give a dead job another round of attempts; audited."""
    _leave_grave(tx, key, {**_ANOTHER_ROUND, "run_at": tx.now})
    _hand_over(tx, [key])
    audit.note(tx, "job_retried", kind="job", object=key)


def retry_all(tx: "Tx") -> int:
    """Give every dead job another round, as after a mail server was away; audited."""
    again = update(job).where(job.c.state == "dead").values({**_ANOTHER_ROUND, "run_at": tx.now})
    keys = list(tx.connection.scalars(again.returning(job.c.key)))
    _hand_over(tx, keys)
    audit.note(tx, "jobs_retried", kind="job", detail={"count": len(keys)})
    return len(keys)


def discard(tx: "Tx", key: str) -> None:
    """Give a dead job up; audited."""
    _leave_grave(tx, key, {"state": "discarded", "finished_at": tx.now})
    audit.note(tx, "job_discarded", kind="job", object=key)


def held(connection: Connection) -> dict[tuple[str, str], int]:
    """How many jobs wait for their rule to be resumed, by app and rule."""
    counted = select(job.c.app, job.c.rule, func.count()).where(job.c.state == "held").group_by(job.c.app, job.c.rule)
    return {(row[0], row[1]): row[2] for row in connection.execute(counted)}


def release(tx: "Tx", app: str, rule: str) -> int:
    """Let the jobs of a rule that was paused go on; gives how many."""
    going = update(job).where(_held(app, rule)).values(state="queued", run_at=tx.now)
    keys = list(tx.connection.scalars(going.returning(job.c.key)))
    _hand_over(tx, keys)
    return len(keys)


def discard_held(tx: "Tx", app: str, rule: str) -> int:
    """Give up the jobs that wait for their rule; audited."""
    given_up = update(job).where(_held(app, rule)).values(state="discarded", finished_at=tx.now)
    count = tx.connection.execute(given_up).rowcount
    audit.note(tx, "jobs_discarded", kind="rule", object=rule, app=app, detail={"count": count})
    return count


def purge(connection: Connection, now: datetime) -> int:
    """Forget jobs that were done long ago; those that failed stay until somebody decides."""
    old = job.c.state.in_(("done", "discarded")) & (job.c.finished_at < now - KEPT)
    return connection.execute(delete(job).where(old)).rowcount


def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are in each state."""
    found = connection.execute(select(job.c.state, func.count()).group_by(job.c.state))
    return {row[0]: row[1] for row in found}


def waiting(connection: Connection, most: int, *conditions: ColumnElement[bool]) -> int:
    """How many jobs wait, as far as it matters: counted up to `most`."""
    some = select(job.c.key).where(job.c.state.in_(WAITING), *conditions).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def watch(services: "Services") -> None:
    """Tell the keepers, once a day, when more jobs wait than any worker should have before it."""
    with services.database.read() as connection:
        if waiting(connection, MANY_WAITING) < MANY_WAITING:
            return
    with services.database.write() as connection:
        now = services.clock()
        tell_keepers_daily(connection, services.organisations.at(connection, now), now, "backlog", _MANY, _LOOK)


def _hand_over(tx: "Tx", keys: list[str]) -> None:
    queue = tx.services.queue
    for key in keys[:HANDED_OVER_AT_ONCE]:
        if queue is not None:
            queue.put(tx.connection, key, new_id(), 0)


def _held(app: str, rule: str) -> ColumnElement[bool]:
    return (job.c.app == app) & (job.c.rule == rule) & (job.c.state == "held")


def _leave_grave(tx: "Tx", key: str, values: Mapping[str, Any]) -> None:
    changed = tx.connection.execute(update(job).where(job.c.key == key, job.c.state == "dead").values(values))
    if changed.rowcount == 1:
        return
    if tx.connection.scalar(select(job.c.key).where(job.c.key == key)) is None:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such job", "zh": "任务不存在"}))
    message = {"en": "This job is not a dead letter any more", "zh": "该任务已不是失败任务"}
    raise Conflict(Problem(ROOT, "job_not_dead", message))


_MANY: Text = {"en": f"More than {MANY_WAITING:,} jobs are waiting", "zh": f"等待中的任务已超过 {MANY_WAITING:,} 个"}
_LOOK: Text = {
    "en": "Is a worker running? If one rule makes them, pause it under “Needs attention”.",
    "zh": "请确认后台进程正在运行；如果任务来自某条规则，可在“待处理问题”中暂停它。",
}
