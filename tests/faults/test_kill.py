"""kill -9 of a real server under load loses no acknowledged save and doubles no effect.

Two rounds by default; FOURFOLD_KILL_ROUNDS=20 for the long loop. The worker alone is killed in
tests/runtime/jobs/test_kill.py; each statement of a save fails in turn in tests/runtime/records.
"""

import itertools
import os
import random
import threading
import time
from contextlib import suppress

import pytest
import sqlalchemy as sa

from runtime import jobs
from runtime.db import ddl, tables
from tests.faults.books import APP, Books, definition, publish, with_extra, with_numbers
from tests.faults.conftest import StartServer
from tests.faults.invariants import broken
from tests.faults.load import Load
from tests.faults.post_office import PostOffice
from tests.faults.server import NoAnswer, Server

ROUNDS = int(os.environ.get("FOURFOLD_KILL_ROUNDS", "2"))
RESUMED_SECONDS = 90  # goal G9


@pytest.mark.slow
def test_a_server_killed_under_load_keeps_every_promise(
    books: Books, start_server: StartServer, post_office: PostOffice
) -> None:
    load, server = Load(books), start_server()
    for _ in range(ROUNDS):
        load.during([server], lambda: kill_at_any_moment(server))
        server.start()
    load.ask_again(server)
    wait_for_jobs(books)

    assert load.ledger.contradictions(books, post_office.came) == [], server.said()
    assert broken(books.services) == []
    assert len(load.ledger.created) > 5 * ROUNDS and load.ledger.noted and load.ledger.approved


@pytest.mark.slow
def test_a_server_killed_while_it_publishes_has_published_wholly_or_not_at_all(
    books: Books, start_server: StartServer, post_office: PostOffice
) -> None:
    load, server = Load(books), start_server()

    def publish_until_killed() -> None:
        killing = threading.Thread(target=kill_at_any_moment, args=(server,))
        killing.start()
        with suppress(NoAnswer), server.client(books.keys["kim"]) as kim:
            for document in itertools.cycle((with_extra(), with_numbers(), definition())):
                publish(kim, document)
        killing.join()

    for _ in range(ROUNDS):
        load.during([server], publish_until_killed)
        assert_tables_are_those_of_the_live_manifest(books)
        server.start()
    load.ask_again(server)
    wait_for_jobs(books)

    assert load.ledger.contradictions(books, post_office.came) == [], server.said()
    assert broken(books.services) == []


def kill_at_any_moment(server: Server) -> None:
    time.sleep(random.uniform(1.0, 3.0))
    server.kill()


def assert_tables_are_those_of_the_live_manifest(books: Books) -> None:
    with books.services.database.read() as connection:
        assert ddl.drift(connection, books.services.apps.live(connection, APP)) == []


def wait_for_jobs(books: Books) -> None:
    """Wait until no job is open any more; those of the dead are put back within half a minute."""
    left = sa.select(sa.func.count()).select_from(tables.job).where(tables.job.c.state.in_(jobs.OPEN))
    until = time.monotonic() + RESUMED_SECONDS
    while time.monotonic() < until:
        with books.services.database.read() as connection:
            if connection.scalar(left) == 0:
                return
        time.sleep(0.3)
