"""A process to be killed: it saves records with a job each, and does the jobs; `drain` only does what is left.

A record is a row of ff_watermark ("record:<key>"), an effect is a counter that its job raises by one.
"""

import os
import random
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, select, update

from engines.actor import system
from runtime import jobs, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import Job, JobKind, failures, kinds, worker
from runtime.services import Services, open_services
from runtime.settings import Settings
from runtime.transaction import Tx

WRITERS = 2
DRAIN_SECONDS = 180

counter = tables.counter


def count_up(tx: Tx, job: Job) -> None:
    """The effect: how often this job has been done."""
    own = (counter.c.app == "effects") & (counter.c.field == job.payload["record"])
    if tx.connection.execute(update(counter).where(own).values(value=counter.c.value + 1)).rowcount == 0:
        row = {"app": "effects", "field": job.payload["record"], "period": "", "value": 1}
        tx.connection.execute(insert(counter).values(row))
    if random.random() < 0.05:
        raise RuntimeError("bad luck")  # tried again later


def save_for_ever(services: Services) -> None:
    while True:
        key = str(new_id())
        try:
            with transaction.begin(services, system("victim")) as tx:
                tx.connection.execute(insert(tables.watermark).values(name=f"record:{key}", at=tx.now))
                jobs.enqueue(tx, "count", f"{tx.cause.id}:count", {"record": key})
                if random.random() < 0.1:
                    raise ZeroDivisionError
            os.write(1, f"{key}\n".encode())  # the save is acknowledged, in one piece though others write too
        except ZeroDivisionError:
            pass
        time.sleep(0.02)


def drain(services: Services, running: worker.Running) -> None:
    """Wait until every job is done, putting back what dead processes held."""
    until = time.monotonic() + DRAIN_SECONDS
    left = select(func.count()).select_from(tables.job).where(tables.job.c.state.in_(jobs.OPEN))
    while time.monotonic() < until:
        worker.beat(running)
        worker.reap(running)
        worker.rescue(running)
        with services.database.read() as connection:
            if connection.scalar(left) == 0:
                return
        time.sleep(0.5)


def main(url: str, folder: str, how: str) -> None:
    services = open_services(Settings(_env_file=None, data_dir=Path(folder), database_url=url))
    kinds.JOB_KINDS = {"count": JobKind("inside", count_up)}  # type: ignore[misc]
    failures.FIRST_DELAY_SECONDS, worker.DEAD_AFTER, worker.LOST_AFTER = 1, timedelta(seconds=3), timedelta(seconds=5)
    running = worker.start(services)
    if how == "drain":
        drain(services, running)
        worker.stop(running)
        return
    writers = [threading.Thread(target=save_for_ever, args=(services,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
