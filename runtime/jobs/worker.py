"""The worker: it does the jobs, one thread ticks the timers and the sweeps, and dead hosts' jobs are put back.

One process on SQLite embeds web and worker; on PostgreSQL there may be as many workers as you like.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbos import DBOSClient
from sqlalchemy.exc import IntegrityError

from engines.actor import system
from runtime import files, idempotency, transaction
from runtime.audit import sealing
from runtime.flows import instances
from runtime.identity import sessions, sign_in_delays, tickets
from runtime.jobs import dbos_queue, resting, timers
from runtime.jobs.dbos_queue import DbosQueue
from runtime.jobs.lost_jobs import beat, purge, reap, rescue
from runtime.records import trash
from runtime.rules import sweeps, traces
from runtime.totals import nightly_check

if TYPE_CHECKING:
    from runtime.services import Services

log = logging.getLogger("fourfold.worker")

TICK_SECONDS = 1.0
SEAL_SECONDS = 5.0
SWEEP_SECONDS = 60.0
REAP_SECONDS = 10.0
HEARTBEAT_SECONDS = 5.0
TIDY_SECONDS = 600.0


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
    executor = _executor_name(services)
    dbos_queue.launch(services, executor)
    running = Running(services, executor, dbos_queue.client_of(services))
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
    dbos_queue.close()
    running.client.destroy()


def connect(services: "Services") -> None:
    """Let a process without a worker (a web server beside workers) put jobs into the queue."""
    dbos_queue.prepare(services)
    services.queue = DbosQueue(dbos_queue.client_of(services))


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


def _executor_name(services: "Services") -> str:
    """Fixed on SQLite, where there is one process: it takes its own jobs up again; else one name for each process."""
    return "embedded" if services.database.is_sqlite else f"{socket.gethostname()}-{os.getpid()}"
