"""Finds the jobs that nobody carries any more: those of workers whose heart has stopped, and those no queue holds."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import queue
from runtime.jobs.dbos_queue import QUEUE, DbosQueue

if TYPE_CHECKING:
    from runtime.jobs.worker import Running

log = logging.getLogger("fourfold.worker")

DEAD_AFTER = timedelta(seconds=20)
LOST_AFTER = timedelta(minutes=2)


def beat(running: "Running") -> None:
    """Say that this worker lives."""
    beats, now = tables.heartbeat, running.services.clock()
    with suppress(IntegrityError), running.services.database.write() as connection:  # another thread said so first
        moved = update(beats).where(beats.c.executor == running.executor).values(at=now)
        if connection.execute(moved).rowcount == 0:
            connection.execute(beats.insert().values(executor=running.executor, at=now))


def reap(running: "Running") -> int:
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


def rescue(running: "Running") -> int:
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


def purge(running: "Running") -> int:
    """Forget finished workflows of DBOS; our own rows stay until they are archived."""
    done = running.client.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"], load_input=False, load_output=False, limit=1000
    )
    if done:
        running.client.delete_workflows([each.workflow_id for each in done])
    return len(done)
