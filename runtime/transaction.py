"""The explicit transaction: who acts, when, why, how much he may cause, and the one flush that tells what happened."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from engines.actor import Actor
from engines.organisation import Organisation
from metadata.problems import ROOT, LimitExceeded, Problem, Refusal
from runtime.db import tables
from runtime.db.engine import Database
from runtime.db.ids import new_id
from runtime.db.writing import write_rows
from runtime.services import Services
from runtime.settings import Settings

T = TypeVar("T")
Row = dict[str, Any]


class JustRead(Protocol):
    """What the recognition of the actor has read a moment ago, so that it need not be asked for twice."""

    @property
    def organisation(self) -> Organisation: ...
    @property
    def app(self) -> str: ...
    @property
    def manifest(self) -> int | None: ...


@dataclass(frozen=True)
class Cause:
    """Why something happens: a request, a job, a rule. Causes chain through `parent`."""

    id: int
    kind: str = "request"
    parent: int | None = None
    request: str | None = None
    source: str | None = None
    app: str | None = None


@dataclass
class Budget:
    """How much one root transaction may do; shared by everything it causes (docs/architecture.md, S1)."""

    depth: int = 5
    actions: int = 100
    writes: int = 1000
    derived_writes: int = 10_000
    seconds: float = 5.0
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Go one nested save down."""
        if self.depth == 0:
            raise _over("depth", 5, {"en": "Rules set off rules 5 levels deep", "zh": "规则嵌套触发超过 5 层"})
        self.depth -= 1
        try:
            yield
        finally:
            self.depth += 1

    def spend_action(self) -> None:
        self.actions -= 1
        if self.actions < 0:
            raise _over("actions", 100, {"en": "Rules did more than 100 things", "zh": "规则动作超过 100 个"})

    def spend_write(self, count: int = 1) -> None:
        self.writes -= count
        if self.writes < 0:
            text = {"en": "More than 1,000 records would be written at once", "zh": "一次写入的记录超过 1000 条"}
            raise _over("writes", 1000, text)
        self.check_time()

    def spend_derived_writes(self, count: int) -> bool:
        """Whether so many totals may still be moved within the save; what may not is left to a job."""
        if count > self.derived_writes:
            return False
        self.derived_writes -= count
        return True

    def check_time(self) -> None:
        if time.monotonic() - self.started > self.seconds:
            text = {
                "en": f"Saving took longer than {self.seconds:g} seconds; nothing was saved",
                "zh": f"保存超过 {self.seconds:g} 秒，未保存任何内容",
            }
            raise _over("seconds", self.seconds, text, status=503)


@dataclass
class Tx:
    """One transaction. What happened is collected in lists of rows and written by one flush before the commit."""

    services: Services
    connection: Connection
    actor: Actor
    now: datetime
    organisation: Organisation
    cause: Cause
    budget: Budget = field(default_factory=Budget)
    history: list[Row] = field(default_factory=list)  # rows of ff_record_version
    stage_spans: list[Row] = field(default_factory=list)  # rows of ff_stage_span
    traces: list[Row] = field(default_factory=list)  # rows of ff_trace; `cause` is added here
    jobs: list[Row] = field(default_factory=list)  # rows of ff_job
    audits: list[Row] = field(default_factory=list)  # rows of ff_audit
    notes: dict[str, Any] = field(default_factory=dict)  # what a service remembers until the end of the transaction
    live: dict[str, int] = field(default_factory=dict)  # live manifests by app, where a reader knows them already
    _before_flush: list[Callable[["Tx"], None]] = field(default_factory=list)
    _cause_is_told: bool = False

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def dialect(self) -> str:
        return self.services.database.dialect

    @property
    def cause_id(self) -> int:
        """The id to store beside what is written; reading it makes the cause a row at the flush."""
        self._cause_is_told = True
        return self.cause.id

    def before_flush(self, step: Callable[["Tx"], None]) -> None:
        """Have a step run once just before the flush: versions are counted and jobs handed over there."""
        if step not in self._before_flush:
            self._before_flush.append(step)

    def flush(self) -> None:
        """Write the cause, the record versions, stage spans, traces, audit entries and jobs in one go."""
        while self._before_flush:
            self._before_flush.pop(0)(self)
        collected = (self.history, self.stage_spans, self.traces, self.audits, self.jobs)
        if self._cause_is_told or any(collected):
            traces = [{"cause": self.cause.id, **row} for row in self.traces]
            told = ([self._cause_row()], self.history, self.stage_spans, traces, self.audits, self.jobs)
            write_rows(self.connection, dict(zip(_FLUSHED, told, strict=True)))
        for rows in collected:
            rows.clear()
        self._cause_is_told = False

    def _cause_row(self) -> Row:
        return {
            "id": self.cause.id,
            "parent": self.cause.parent,
            "kind": self.cause.kind,
            "actor": self.actor.member,
            "actor_kind": self.actor.kind,
            "request": self.cause.request,
            "source": self.cause.source,
            "app": self.cause.app,
            "at": self.now,
        }


_FLUSHED = (tables.cause, tables.record_version, tables.stage_span, tables.trace, tables.audit, tables.job)


@contextmanager
def begin(services: Services, actor: Actor, cause: Cause | None = None, known: JustRead | None = None) -> Iterator[Tx]:
    """Open a transaction that writes: flushed and committed at the end, undone when an exception passes."""
    cause = cause or Cause(new_id())
    tx: Tx | None = None
    try:
        with services.database.write() as connection:
            tx = _tx(services, connection, actor, cause, known)
            yield tx
            tx.flush()
    except Refusal:
        if tx is not None and tx.traces:
            _keep_traces(tx)
        raise


@contextmanager
def read(services: Services, actor: Actor, known: JustRead | None = None, seconds: float | None = None) -> Iterator[Tx]:
    """Open a transaction that only reads; each of its statements may take so many seconds."""
    with services.database.read(seconds) as connection:
        tx = _tx(services, connection, actor, Cause(0), known)
        if known is not None and known.manifest is not None:
            tx.live[known.app] = known.manifest
        yield tx
    services.slow_lists.write_if_due(services.database, services.clock)


def run(
    services: Services,
    actor: Actor,
    work: Callable[[Tx], T],
    cause: Cause | None = None,
    known: JustRead | None = None,
) -> T:
    """Do the work in a transaction of its own, again from the start (3 times at most) after a deadlock."""
    cause = cause or Cause(new_id())
    last: list[Tx] = []

    def attempt(connection: Connection) -> T:
        tx = _tx(services, connection, actor, cause, known)
        last[:] = [tx]
        answer = work(tx)
        tx.flush()
        return answer

    try:
        return services.database.run(attempt)
    except Refusal:
        if last and last[0].traces:
            _keep_traces(last[0])
        raise


def _tx(services: Services, connection: Connection, actor: Actor, cause: Cause, known: JustRead | None = None) -> Tx:
    now = services.clock()
    people = services.organisations.at(connection, now) if known is None else known.organisation
    budget = Budget(seconds=services.settings.save_seconds)
    return Tx(services, connection, actor, now, people, cause, budget)


def _keep_traces(failed: Tx) -> None:
    """Store what the rules thought of a save that was refused, after it, in a transaction of its own."""
    with failed.database.write() as connection:
        told = Tx(failed.services, connection, failed.actor, failed.now, failed.organisation, failed.cause)
        told.traces = failed.traces
        told.flush()


def _over(name: str, maximum: float, message: Mapping[str, str], status: int = 422) -> LimitExceeded:
    problem = Problem(ROOT, "limit_exceeded", dict(message), limit={"name": name, "max": maximum})
    return LimitExceeded(problem, status=status)
