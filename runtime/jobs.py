"""Jobs: what is done after the commit, once. Our row is the truth; a queue only carries its key to a worker.

A claim raises the attempt; what a job does to the database commits together with `done`, which succeeds for the
attempt that claimed last and for no other. So a worker that stalled and wakes up late discards its own result.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sqlalchemy import Connection, delete, func, select, update

from engines.actor import system
from metadata.problems import ROOT, Conflict, NotFound, Problem, Refusal
from runtime import audit, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.transaction import Cause

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

job = tables.job

MOST_ATTEMPTS = 8
FIRST_DELAY_SECONDS = 10
LONGEST_DELAY_SECONDS = 3600
MOST_HOPS = 10
KEPT = timedelta(days=30)
LONGEST_ERROR = 1000
OPEN = ("queued", "running")

Payload = Mapping[str, Any]


class Queue(Protocol):
    """Whoever carries jobs to workers; it is told within the transaction that makes the job.

    `turn` tells the times apart that one job is carried.
    """

    def put(self, connection: Connection, key: str, turn: int, delay_seconds: float) -> None: ...


@dataclass(frozen=True)
class Job:
    """A job that a worker has claimed."""

    key: str
    kind: str
    payload: Payload
    attempt: int
    cause: int | None = None

    @property
    def own_cause(self) -> Cause:
        return Cause(new_id(), "job", parent=self.cause, source=self.key, app=self.payload.get("app"))


@dataclass(frozen=True)
class JobKind:
    """How jobs of a kind are done: within the transaction that also marks them done, or outside of any."""

    where: Literal["inside", "outside"]
    do: Callable[..., None]


Kinds = Mapping[str, JobKind]


class Overtaken(Exception):
    """Another worker has claimed the job in the meantime; what this one did is discarded."""


def enqueue(tx: "Tx", kind: str, key: str, payload: Payload, delay_seconds: float = 0) -> bool:
    """Have a job done after the commit, not before the delay is over; a key that is known already changes nothing."""
    if _is_known(tx, key):
        return False
    hops = tx.notes.get("hops", 0) + 1
    row = {
        "key": key,
        "kind": kind,
        "payload": {**payload, "hops": hops},
        "state": "queued",
        "attempt": 0,
        "run_at": tx.now + timedelta(seconds=delay_seconds),
        "cause": tx.cause_id,
        "created_at": tx.now,
    }
    if hops > MOST_HOPS:
        row |= {"state": "dead", "last_error": f"the chain of jobs is longer than {MOST_HOPS}", "finished_at": tx.now}
    tx.jobs.append(row)
    tx.before_flush(_hand_over)
    return True


def perform(services: "Services", key: str, kinds: Kinds | None = None) -> bool:
    """Do a job: claim it, do it, mark it done; or plan its next attempt. False when there was nothing to do."""
    kinds = kinds if kinds is not None else _built_in()
    claimed = _claim(services, key)
    if claimed is None:
        return False
    try:
        kind = kinds.get(claimed.kind)
        if kind is None:
            raise LookupError(f"there is no kind of job called {claimed.kind!r}")
        _do(services, claimed, kind)
    except Overtaken:
        return False
    except Exception as error:
        _plan_next(services, claimed, error)
    return True


def run_due(services: "Services", now: datetime | None = None, kinds: Kinds | None = None, most: int = 1000) -> int:
    """Do every job that is due, and what it sets off, here and now; for tests, stories and the command line."""
    done = 0
    while done < most:
        with services.database.read() as connection:
            due = select(job.c.key).where(job.c.state == "queued", job.c.run_at <= (now or services.clock()))
            keys = list(connection.scalars(due.order_by(job.c.run_at, job.c.created_at, job.c.key).limit(100)))
        if not keys:
            break
        done += sum(perform(services, key, kinds) for key in keys)
    return done


def dead_letters(connection: Connection, limit: int = 100) -> list[Mapping[str, Any]]:
    """The jobs that failed for good, the latest first."""
    found = select(job).where(job.c.state == "dead").order_by(job.c.finished_at.desc()).limit(limit)
    return [dict(row) for row in connection.execute(found).mappings()]


def retry(tx: "Tx", key: str) -> None:
    """Give a dead job another round of attempts; audited."""
    _leave_grave(tx, key, {"state": "queued", "attempt": 0, "run_at": tx.now, "last_error": None, "finished_at": None})
    if tx.services.queue is not None:
        tx.services.queue.put(tx.connection, key, new_id(), 0)
    audit.note(tx, "job_retried", kind="job", object=key)


def discard(tx: "Tx", key: str) -> None:
    """Give a dead job up; audited."""
    _leave_grave(tx, key, {"state": "discarded", "finished_at": tx.now})
    audit.note(tx, "job_discarded", kind="job", object=key)


def purge(connection: Connection, now: datetime) -> int:
    """Forget jobs that were done long ago; those that failed stay until somebody decides."""
    old = job.c.state.in_(("done", "discarded")) & (job.c.finished_at < now - KEPT)
    return connection.execute(delete(job).where(old)).rowcount


def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are in each state."""
    found = connection.execute(select(job.c.state, func.count()).group_by(job.c.state))
    return {row[0]: row[1] for row in found}


def _do(services: "Services", claimed: Job, kind: JobKind) -> None:
    if kind.where == "outside":
        kind.do(services, claimed)
        with services.database.write() as connection:
            _finish(connection, claimed, services.clock())
        return

    def work(tx: "Tx") -> None:
        tx.notes["hops"] = claimed.payload.get("hops", 0)
        kind.do(tx, claimed)
        _finish(tx.connection, claimed, tx.now)

    transaction.run(services, system(f"job:{claimed.kind}"), work, claimed.own_cause)


def _claim(services: "Services", key: str) -> Job | None:
    with services.database.write() as connection:
        open_one = (job.c.key == key) & job.c.state.in_(OPEN)
        claimed = update(job).where(open_one).values(state="running", attempt=job.c.attempt + 1)
        row = connection.execute(claimed.returning(job)).mappings().first()
        if row is None:
            return None
        if row["attempt"] > MOST_ATTEMPTS:  # it took a worker down with it each time
            _bury(services, connection, row["key"], row["kind"], row["attempt"], "the worker died each time")
            return None
        return Job(row["key"], row["kind"], row["payload"], row["attempt"], row["cause"])


def _finish(connection: Connection, claimed: Job, now: datetime) -> None:
    """Mark a job done, if the claim still holds."""
    own = (job.c.key == claimed.key) & (job.c.attempt == claimed.attempt) & (job.c.state == "running")
    done = update(job).where(own).values(state="done", finished_at=now, last_error=None)
    if connection.execute(done).rowcount != 1:
        raise Overtaken(claimed.key)


def _plan_next(services: "Services", claimed: Job, error: Exception) -> None:
    """Try again later, each time after a longer while; give up after the last attempt."""
    reason = _reason(error)
    with services.database.write() as connection:
        if claimed.attempt >= MOST_ATTEMPTS or getattr(error, "is_permanent", False):
            _bury(services, connection, claimed.key, claimed.kind, claimed.attempt, reason)
            return
        delay = delay_after(claimed.attempt, claimed.key)
        own = (job.c.key == claimed.key) & (job.c.attempt == claimed.attempt) & (job.c.state == "running")
        run_at = services.clock() + timedelta(seconds=delay)
        again = update(job).where(own).values(state="queued", run_at=run_at, last_error=reason)
        if connection.execute(again).rowcount == 1 and services.queue is not None:
            services.queue.put(connection, claimed.key, new_id(), delay)


def delay_after(attempt: int, key: str) -> float:
    """How many seconds to wait after a failed attempt: 10, 20, 40 ... an hour, spread a little by the key."""
    wait = min(FIRST_DELAY_SECONDS * 2 ** (attempt - 1), LONGEST_DELAY_SECONDS)
    return wait * random.Random(f"{key}#{attempt}").uniform(1.0, 1.2)


def _bury(services: "Services", connection: Connection, key: str, kind: str, attempt: int, reason: str) -> None:
    """Make a job a dead letter and tell those who look after the apps, once a day for the same reason."""
    from runtime.notifications import tell_keepers

    own = (job.c.key == key) & (job.c.attempt == attempt) & (job.c.state == "running")
    now = services.clock()
    same = (job.c.kind == kind) & (job.c.last_error == reason) & (job.c.finished_at > now - timedelta(days=1))
    told = connection.scalar(select(job.c.key).where(job.c.state == "dead", same).limit(1)) is not None
    buried = update(job).where(own).values(state="dead", last_error=reason, finished_at=now)
    if connection.execute(buried).rowcount == 1 and not told:
        tell_keepers(connection, services.organisations.at(connection, now), now, kind, reason)


def _leave_grave(tx: "Tx", key: str, values: Mapping[str, Any]) -> None:
    changed = tx.connection.execute(update(job).where(job.c.key == key, job.c.state == "dead").values(values))
    if changed.rowcount == 1:
        return
    if tx.connection.scalar(select(job.c.key).where(job.c.key == key)) is None:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such job", "zh": "任务不存在"}))
    message = {"en": "This job is not a dead letter any more", "zh": "该任务已不是失败任务"}
    raise Conflict(Problem(ROOT, "job_not_dead", message))


def _hand_over(tx: "Tx") -> None:
    """Tell the queue of the jobs that this transaction makes, within the transaction."""
    queue = tx.services.queue
    if queue is None:
        return
    handed: set[str] = tx.notes.setdefault("handed_over", set())
    for row in tx.jobs:
        if row["key"] not in handed and row["state"] == "queued":
            handed.add(row["key"])
            queue.put(tx.connection, row["key"], 0, (row["run_at"] - tx.now).total_seconds())


def _is_known(tx: "Tx", key: str) -> bool:
    if any(row["key"] == key for row in tx.jobs):
        return True
    if key.startswith(f"{tx.cause.id}:"):
        return False  # the cause is new, so its keys are
    return tx.connection.scalar(select(job.c.key).where(job.c.key == key)) is not None


def _reason(error: Exception) -> str:
    if isinstance(error, Refusal) and error.problems:
        from metadata.text import say

        return "; ".join(say(problem.message, "en") for problem in error.problems)[:LONGEST_ERROR]
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]


def _built_in() -> Kinds:
    from runtime.job_kinds import JOB_KINDS

    return JOB_KINDS
