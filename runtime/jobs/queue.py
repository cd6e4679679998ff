"""Jobs: what is done after the commit, once. Our row is the truth; a queue only carries its key to a worker.

A claim raises the attempt; what a job does to the database commits together with `done`, which succeeds for the
attempt that claimed last and for no other. So a worker that stalled and wakes up late discards its own result.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from engines.actor import system
from metadata.text import Text, say
from runtime import transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import turnstiles
from runtime.jobs.failures import MOST_ATTEMPTS, bury, plan_next
from runtime.jobs.job_type import Job, JobKind, Kinds, Overtaken, Payload, Queue, own_row
from runtime.jobs.resting import waiting
from runtime.notifications import tell_keepers_daily
from runtime.rules import pausing

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

job = tables.job

MOST_HOPS = 10
MOST_WAITING = 100_000  # of one rule (L43); then no new ones are taken
OPEN = ("queued", "running")


def enqueue(tx: "Tx", kind: str, key: str, payload: Payload, delay_seconds: float = 0) -> bool:
    """Have a job done after the commit, not before the delay is over; a key that is known already changes nothing."""
    if _is_known(tx, key):
        return False
    enqueue_new(tx, kind, {key: payload}, delay_seconds)
    return True


def enqueue_new(tx: "Tx", kind: str, payloads: Mapping[str, Payload], delay_seconds: float = 0) -> None:
    """The same for many jobs at once, by keys that nobody has used yet."""
    asked = {"hops": tx.notes.get("hops", 0) + 1} | ({} if (by := _asker(tx)) is None else {"by": by})
    for key, payload in payloads.items():
        row: dict[str, Any] = {
            "key": key,
            "kind": kind,
            "payload": {**payload, **asked},
            "state": "queued",
            "attempt": 0,
            "run_at": tx.now + timedelta(seconds=delay_seconds),
            "cause": tx.cause_id,
            "created_at": tx.now,
            "app": payload.get("app"),
            "rule": payload.get("rule"),
        }
        if asked["hops"] > MOST_HOPS:
            row |= {"state": "dead", "last_error": say(TOO_LONG_A_CHAIN, "en"), "finished_at": tx.now}
            _break_chain(tx, row["app"], row["rule"])
        tx.jobs.append(row)
    tx.before_flush(_hand_over)


def has_room(tx: "Tx", app: str, rule: str) -> bool:
    """Whether a rule may make more jobs; where too many of it wait already it may not, and the keepers are told."""
    asked = f"room for {app}:{rule}"
    if asked not in tx.notes:
        job_of_rule = (job.c.app == app) & (job.c.rule == rule)
        tx.notes[asked] = waiting(tx.connection, MOST_WAITING, job_of_rule) < MOST_WAITING
        if not tx.notes[asked]:
            title = pausing.title_of(tx.services, tx.connection, app, rule)
            told = {language: text.format(say(title, language)) for language, text in _TOO_MANY.items()}
            tell_keepers_daily(tx.connection, tx.organisation, tx.now, asked, told, TOO_MANY_WAIT)
    return bool(tx.notes[asked])


def perform(services: "Services", key: str, kinds: Kinds | None = None) -> bool:
    """Do a job: claim it, do it, mark it done; or plan its next attempt. False when there was nothing to do."""
    kinds = kinds if kinds is not None else _built_in()
    claimed = _claim(services, key, kinds)
    if claimed is None:
        return False
    kind = kinds.get(claimed.kind)
    try:
        if kind is None:
            raise LookupError(f"there is no kind of job called {claimed.kind!r}")
        _do(services, claimed, kind)
    except Overtaken:
        return False
    except Exception as error:
        plan_next(services, claimed, kind, error)
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


def _do(services: "Services", claimed: Job, kind: JobKind) -> None:
    if kind.where == "outside":
        kind.do(services, claimed)
        with services.database.write() as connection:
            _finish(connection, claimed, kind, services.clock())
        return

    def work(tx: "Tx") -> None:
        tx.notes["hops"] = claimed.payload.get("hops", 0)
        tx.notes["asked_for"] = claimed.payload.get("by")
        kind.do(tx, claimed)
        _finish(tx.connection, claimed, kind, tx.now)

    transaction.run(services, system(f"job:{claimed.kind}"), work, claimed.own_cause)


def _claim(services: "Services", key: str, kinds: Kinds) -> Job | None:
    with services.database.write() as connection:
        open_one = (job.c.key == key) & job.c.state.in_(OPEN)
        claimed = update(job).where(open_one).values(state="running", attempt=job.c.attempt + 1)
        row = connection.execute(claimed.returning(job)).first()
        if row is None:
            return None
        found = Job(row.key, row.kind, row.payload, row.attempt, row.cause, row.app, row.rule)
        kind = kinds.get(found.kind)
        if found.attempt > MOST_ATTEMPTS:  # it took a worker down with it each time
            bury(services, connection, found, kind, "the worker died each time")
            return None
        return None if _must_wait(services, connection, found, kind) else found


def _must_wait(services: "Services", connection: Connection, claimed: Job, kind: JobKind | None) -> bool:
    """Put a job back whose rule is paused, or for which there is no room in this minute or hour."""
    if claimed.rule and claimed.app and pausing.is_paused(connection, claimed.app, claimed.rule):
        _put_back(connection, claimed, {"state": "held"})
        return True
    passed = list(claimed.payload.get("passed", ()))
    now = services.clock()
    for gate in kind.turnstiles(claimed, services.settings) if kind is not None else ():
        if gate.name in passed:
            continue
        passed.append(gate.name)
        begins = turnstiles.take_place(connection, gate, now)
        if begins > now:
            payload = {**claimed.payload, "passed": passed}
            _put_back(connection, claimed, {"state": "queued", "run_at": begins, "payload": payload})
            if services.queue is not None:
                services.queue.put(connection, claimed.key, new_id(), (begins - now).total_seconds())
            return True
    return False


def _put_back(connection: Connection, claimed: Job, values: Mapping[str, Any]) -> None:
    """The claim did not count."""
    connection.execute(update(job).where(job.c.key == claimed.key).values(attempt=claimed.attempt - 1, **values))


def _finish(connection: Connection, claimed: Job, kind: JobKind, now: datetime) -> None:
    """Mark a job done, if the claim still holds."""
    done = update(job).where(own_row(claimed)).values(state="done", finished_at=now, last_error=None)
    if connection.execute(done).rowcount != 1:
        raise Overtaken(claimed.key)
    if kind.acts and claimed.app and claimed.rule:
        pausing.note_success(connection, claimed.app, claimed.rule)


def _break_chain(tx: "Tx", app: str | None, rule: str | None) -> None:
    """Jobs that cause jobs for ever: the rule that goes on with it is paused, and the keepers are told."""
    if app and rule:
        pausing.stop(tx.services, tx.connection, app, rule, TOO_LONG_A_CHAIN)
    else:
        tell_keepers_daily(tx.connection, tx.organisation, tx.now, f"chain:{app}", TOO_LONG_A_CHAIN)


def _asker(tx: "Tx") -> int | None:
    """Whose act set this off, through however many rules and jobs."""
    who = tx.notes.get("asked_by", tx.actor)
    return who.member if who.member is not None else tx.notes.get("asked_for")


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


def _built_in() -> Kinds:
    from runtime.jobs.kinds import JOB_KINDS

    return JOB_KINDS


TOO_LONG_A_CHAIN: Text = {
    "en": f"Jobs caused jobs, more than {MOST_HOPS} times in a row",
    "zh": f"任务连续触发任务超过 {MOST_HOPS} 次",
}
TOO_MANY_WAIT: Text = {
    "en": "Saving goes on; what the rule would do later is left out until there are fewer.",
    "zh": "保存不受影响；在等待的任务减少之前，该规则后续的动作不再执行。",
}
_TOO_MANY = {
    "en": f"More than {MOST_WAITING:,} jobs of the rule “{{}}” are waiting",
    "zh": f"规则“{{}}”等待中的任务已超过 {MOST_WAITING:,} 个",
}

__all__ = ["MOST_ATTEMPTS", "Job", "JobKind", "Kinds", "Overtaken", "Queue", "enqueue", "enqueue_new", "has_room"]
__all__ += ["perform", "run_due"]
