"""What a job is, what a kind of job is, and who carries jobs to workers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Connection

from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs.turnstiles import Turnstile
from runtime.settings import Settings
from runtime.transaction import Cause

job = tables.job

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
    app: str | None = None
    rule: str | None = None

    @property
    def own_cause(self) -> Cause:
        return Cause(new_id(), "job", parent=self.cause, source=self.key, app=self.app)


def no_turnstiles(_job: Job, _settings: Settings) -> Iterable[Turnstile]:
    return ()


@dataclass(frozen=True)
class JobKind:
    """How jobs of a kind are done: within the transaction that also marks them done, or outside of any.

    In some of them a rule acts (`acts`), so that too many failures in a row pause it. Before a job is done it passes
    its turnstiles.
    """

    where: Literal["inside", "outside"]
    do: Callable[..., None]
    acts: bool = False
    turnstiles: Callable[[Job, Settings], Iterable[Turnstile]] = no_turnstiles


Kinds = Mapping[str, JobKind]


class Overtaken(Exception):
    """Another worker has claimed the job in the meantime; what this one did is discarded."""


def own_row(claimed: Job) -> ColumnElement[bool]:
    """The row of a job, as long as the claim holds."""
    return (job.c.key == claimed.key) & (job.c.attempt == claimed.attempt) & (job.c.state == "running")
