"""kill -9 of a real server under load loses no acknowledged save and doubles no effect.

Two rounds by default; FOURFOLD_KILL_ROUNDS=20 for the long loop. The worker alone is killed in
tests/runtime/jobs/test_kill.py; each statement of a save fails in turn in tests/runtime/records.
"""

import os
import random
import time

import pytest
import sqlalchemy as sa

from runtime import jobs
from runtime.db import tables
from tests.faults.books import Books
from tests.faults.conftest import StartServer
from tests.faults.invariants import broken
from tests.faults.load import Load

ROUNDS = int(os.environ.get("FOURFOLD_KILL_ROUNDS", "2"))
RESUMED_SECONDS = 90  # goal G9


@pytest.mark.slow
def test_a_server_killed_under_load_keeps_every_promise(books: Books, start_server: StartServer) -> None:
    load = Load(books)
    server = start_server()
    for _ in range(ROUNDS):

        def wait_and_kill() -> None:
            time.sleep(random.uniform(1.0, 3.0))
            server.kill()

        load.during([server], wait_and_kill)
        server.start()
    load.ask_again(server)
    wait_for_jobs(books)

    assert load.ledger.contradictions(books) == [], server.said()
    assert broken(books.services) == []
    assert len(load.ledger.created) > 5 * ROUNDS and load.ledger.noted and load.ledger.approved


def wait_for_jobs(books: Books) -> None:
    """Wait until no job is open any more; those of the dead are put back within half a minute."""
    left = sa.select(sa.func.count()).select_from(tables.job).where(tables.job.c.state.in_(jobs.OPEN))
    until = time.monotonic() + RESUMED_SECONDS
    while time.monotonic() < until:
        with books.services.database.read() as connection:
            if connection.scalar(left) == 0:
                return
        time.sleep(0.3)
