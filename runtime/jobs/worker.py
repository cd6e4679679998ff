"""The worker: DBOS carries our jobs, one thread ticks the timers and the sweeps, and dead hosts' jobs are put back.

DBOS is used for nothing but its queue: a workflow is one call of `queue.perform` with a key. Inside a write transaction
of ours nothing of it is called but `enqueue_in_transaction`. One process on SQLite embeds web and worker; on
PostgreSQL there may be as many workers as you like.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from engines.actor import system
from runtime import files, idempotency, transaction
from runtime.audit import sealing
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.db.refusals import DatabaseBusy
from runtime.flows import instances
from runtime.identity import sessions, sign_in_delays, tickets
from runtime.jobs import queue, resting, timers
from runtime.records import trash
from runtime.rules import sweeps, traces
from runtime.totals import nightly_check

if TYPE_CHECKING:
    from runtime.services import Services

log = logging.getLogger("fourfold.worker")

NAME = "fourfold"
QUEUE = "jobs"
WORKFLOW = "perform_job"
VERSION = "1"  # constant, or DBOS would leave the jobs of an older release behind; payloads carry their own version
TICK_SECONDS = 1.0
SEAL_SECONDS = 5.0
SWEEP_SECONDS = 60.0
REAP_SECONDS = 10.0
HEARTBEAT_SECONDS = 5.0
TIDY_SECONDS = 600.0
DEAD_AFTER = timedelta(seconds=20)
LOST_AFTER = timedelta(minutes=2)
BUSY_TRIES = 5

_perform: "_Perform | None" = None


@dataclass
class DbosQueue:
    """Puts jobs into DBOS's queue, in the transaction that makes them."""

    client: DBOSClient

    def put(self, connection: Connection, key: str, turn: int, delay_seconds: float) -> None:
        options: dict[str, Any] = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": f"{key}#{turn}",
            "app_version": VERSION,
        }
        if delay_seconds > 0:
            options["delay_seconds"] = delay_seconds
        self.client.enqueue_in_transaction(connection, options, key)  # type: ignore[arg-type]


@dataclass
class _Perform:
    """What the one workflow needs to know; DBOS is one to a process, and so is this."""

    services: "Services"

    def __call__(self, key: str) -> None:
        for patience in range(BUSY_TRIES, -1, -1):
            try:
                queue.perform(self.services, key)
                return
            except DatabaseBusy:  # nothing was claimed; somebody writes a lot at once, as an import does
                if not patience:
                    raise


@dataclass
class Running:
    """A worker at work."""

    services: "Services"
    executor: str
    client: DBOSClient
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


def start(services: "Services") -> Running:
    """Begin to do jobs, timers and sweeps in this process."""
    global _perform
    _perform = _Perform(services)
    executor = _executor_name(services)
    _launch(services, executor)
    running = Running(services, executor, _client(services))
    services.queue = DbosQueue(running.client)
    running.thread = threading.Thread(target=_keep_ticking, args=(running,), name="ticker", daemon=True)
    running.thread.start()
    return running


def stop(running: Running) -> None:
    """End after the jobs at hand."""
    running.stopping.set()
    if running.thread is not None:
        running.thread.join(timeout=10)
    running.services.queue = None
    DBOS.destroy(workflow_completion_timeout_sec=5)
    running.client.destroy()


def connect(services: "Services") -> None:
    """Let a process without a worker (a web server beside workers) put jobs into the queue."""
    prepare(services)
    services.queue = DbosQueue(_client(services))


def prepare(services: "Services") -> None:
    """Make DBOS's own tables, where they are missing; for `migrate` and before a first `connect`."""
    from dbos import run_dbos_database_migrations

    run_dbos_database_migrations(_address(services))


def tick(running: Running) -> None:
    """One second's work: the heart beats, timers that are due become jobs."""
    timers.run(running.services)


def seal_audit(running: Running) -> None:
    """Five seconds' work: what was told in the audit trail is sealed."""
    with suppress(IntegrityError):  # another worker sealed at the same moment; what is left comes next time
        sealing.seal(running.services)


def sweep(running: Running) -> None:
    """One minute's work: sweeps, tasks of people who left, and jobs that no queue holds any more."""
    sweeps.run(running.services)
    instances.release_leavers(running.services)
    rescue(running)
    resting.watch(running.services)
    nightly_check.plan(running.services)


def beat(running: Running) -> None:
    """Say that this worker lives."""
    beats, now = tables.heartbeat, running.services.clock()
    with suppress(IntegrityError), running.services.database.write() as connection:  # another thread said so first
        moved = update(beats).where(beats.c.executor == running.executor).values(at=now)
        if connection.execute(moved).rowcount == 0:
            connection.execute(beats.insert().values(executor=running.executor, at=now))


def reap(running: Running) -> int:
    """Put the jobs of workers whose heart has stopped back into the queue."""
    beats, now = tables.heartbeat, running.services.clock()
    with running.services.database.read() as connection:
        silent = select(beats.c.executor).where(beats.c.at < now - DEAD_AFTER, beats.c.executor != running.executor)
        dead = list(connection.scalars(silent))
    count = 0
    for executor in dead:
        pending = running.client.list_workflows(
            status="PENDING", executor_id=executor, load_input=False, load_output=False
        )
        ids = [each.workflow_id for each in pending]
        if ids:
            running.client.resume_workflows(ids, queue_name=QUEUE)
            log.warning("put %s jobs of the dead worker %s back", len(ids), executor)
        count += len(ids)
        with running.services.database.write() as connection:
            connection.execute(delete(beats).where(beats.c.executor == executor, beats.c.at < now - DEAD_AFTER))
    return count


def rescue(running: Running) -> int:
    """Put jobs into the queue that should have run long ago and that nothing carries: our row is the truth."""
    job, services = tables.job, running.services
    late = services.clock() - LOST_AFTER
    with services.database.read() as connection:
        waiting = select(job.c.key, job.c.attempt).where(job.c.state.in_(queue.OPEN), job.c.run_at < late).limit(500)
        rows = [(row.key, row.attempt) for row in connection.execute(waiting)]
    count = 0
    for key, attempt in rows:
        carried = running.client.list_workflows(
            workflow_id_prefix=f"{key}#",
            status=["ENQUEUED", "PENDING", "DELAYED"],
            load_input=False,
            load_output=False,
            limit=1,
        )
        if not carried:
            with services.database.write() as connection:
                DbosQueue(running.client).put(connection, key, new_id(), 0)
            count += 1
            log.warning("put the lost job %s (attempt %s) back", key, attempt)
    return count


def purge(running: Running) -> int:
    """Forget finished workflows of DBOS; our own rows stay until they are archived."""
    done = running.client.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"], load_input=False, load_output=False, limit=1000
    )
    if done:
        running.client.delete_workflows([each.workflow_id for each in done])
    return len(done)


def _keep_ticking(running: Running) -> None:
    """The one thread of ours: beats, ticks and sweeps until it is told to stop; no failure ends it."""
    seconds = 0.0
    chores = (
        (HEARTBEAT_SECONDS, beat),
        (REAP_SECONDS, reap),
        (TICK_SECONDS, tick),
        (SEAL_SECONDS, seal_audit),
        (SWEEP_SECONDS, sweep),
        (TIDY_SECONDS, tidy),
    )
    while True:
        for every, chore in chores:
            if seconds % every == 0:
                _carefully(chore, running)
        if running.stopping.wait(TICK_SECONDS):
            return
        seconds += TICK_SECONDS


def _carefully(chore: Any, running: Running) -> None:
    try:
        chore(running)
    except Exception:
        log.exception("%s failed; it will be tried again", chore.__name__)


def tidy(running: Running) -> None:
    """Ten minutes' work: finished workflows, old traces, old trash, and what has expired go."""
    purge(running)
    trash.empty(running.services, running.services.clock())
    files.sweep(running.services, running.services.clock())
    with transaction.begin(running.services, system("worker")) as tx:
        traces.purge(tx)
        resting.purge(tx.connection, tx.now)
        idempotency.purge(tx.connection, tx.now)
        sessions.purge(tx.connection, tx.now)
        tickets.purge(tx.connection, tx.now)
        sign_in_delays.purge(tx.connection, tx.now)


def _launch(services: "Services", executor: str) -> None:
    settings = services.settings
    DBOS(
        config={
            "name": NAME,
            "system_database_url": _address(services),
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
        }
    )
    DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)(_run)
    DBOS.launch()
    interval = 0.1 if services.database.is_sqlite else 0.05
    DBOS.register_queue(QUEUE, worker_concurrency=settings.job_threads, polling_interval_sec=interval)


def _run(key: str) -> None:
    assert _perform is not None
    _perform(key)


def _client(services: "Services") -> DBOSClient:
    return DBOSClient(
        system_database_url=_address(services), serializer=DBOSPortableJSONSerializer(), application_name=NAME
    )


def _address(services: "Services") -> str:
    """The same database, as DBOS writes its address."""
    return services.settings.database.replace("postgresql+psycopg://", "postgresql://", 1)


def _executor_name(services: "Services") -> str:
    """Fixed on SQLite, where there is one process: it takes its own jobs up again; else one name for each process."""
    return "embedded" if services.database.is_sqlite else f"{socket.gethostname()}-{os.getpid()}"
