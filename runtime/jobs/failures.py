"""What becomes of a job that failed: another attempt after a while, or a dead letter that people are told of."""

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError

from metadata.problems import Refusal
from metadata.text import Text, say
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs.job_type import Job, JobKind, own_row
from runtime.notifications import tell_keepers
from runtime.rules import pausing

if TYPE_CHECKING:
    from runtime.services import Services

job = tables.job

MOST_ATTEMPTS = 8
FIRST_DELAY_SECONDS = 10
LONGEST_DELAY_SECONDS = 3600
LONGEST_ERROR = 1000


def plan_next(services: "Services", claimed: Job, kind: JobKind | None, error: Exception) -> None:
    """Try again later, each time after a longer while; give up after the last attempt."""
    reason = reason_of(error)
    with services.database.write() as connection:
        if claimed.attempt >= MOST_ATTEMPTS or getattr(error, "is_permanent", False):
            bury(services, connection, claimed, kind, reason)
            return
        delay = delay_after(claimed.attempt, claimed.key)
        run_at = services.clock() + timedelta(seconds=delay)
        again = update(job).where(own_row(claimed)).values(state="queued", run_at=run_at, last_error=reason)
        if connection.execute(again).rowcount == 1 and services.queue is not None:
            services.queue.put(connection, claimed.key, new_id(), delay)


def delay_after(attempt: int, key: str) -> float:
    """How many seconds to wait after a failed attempt: 10, 20, 40 ... an hour, spread a little by the key."""
    wait = min(FIRST_DELAY_SECONDS * 2 ** (attempt - 1), LONGEST_DELAY_SECONDS)
    return wait * random.Random(f"{key}#{attempt}").uniform(1.0, 1.2)


def bury(services: "Services", connection: Connection, claimed: Job, kind: JobKind | None, reason: str) -> None:
    """Make a job a dead letter and tell those who look after the apps, once a day for the same reason."""
    now = services.clock()
    same = (job.c.kind == claimed.kind) & (job.c.last_error == reason) & (job.c.finished_at > now - timedelta(days=1))
    told = connection.scalar(select(job.c.key).where(job.c.state == "dead", same).limit(1)) is not None
    buried = update(job).where(own_row(claimed)).values(state="dead", last_error=reason, finished_at=now)
    if connection.execute(buried).rowcount != 1:
        return
    if not told:
        title: Text = {"en": f"A job failed for good: {claimed.kind}", "zh": f"任务多次失败，已停止：{claimed.kind}"}
        tell_keepers(connection, services.organisations.at(connection, now), now, title, reason)
    if kind is not None and kind.acts and claimed.app and claimed.rule:
        pausing.note_failure(services, connection, claimed.app, claimed.rule)


def reason_of(error: Exception) -> str:
    """Why a job failed, for people: a database's error would carry the statement with its values."""
    if isinstance(error, Refusal) and error.problems:
        return "; ".join(say(problem.message, "en") for problem in error.problems)[:LONGEST_ERROR]
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__} ({type(error.orig).__name__})"
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
