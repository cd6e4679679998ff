"""kill -9 of a real server under load loses no acknowledged save and doubles no effect.

Two rounds by default; FOURFOLD_KILL_ROUNDS=20 for the long loop. The worker alone is killed in
tests/runtime/jobs/test_kill.py; each statement of a save fails in turn in tests/runtime/records.
"""

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
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
PATIENCE_SECONDS = 90.0  # goal G9
ENTRIES_BEFORE = 10


@pytest.mark.slow
def test_a_server_killed_under_load_and_while_it_publishes_keeps_every_promise(
    books: Books, start_server: StartServer, post_office: PostOffice
) -> None:
    load, server = Load(books), start_server()
    for number in range(ROUNDS):
        happens = publish_until_killed if number % 2 else kill_at_any_moment
        load.during([server], lambda happens=happens: happens(server, load))
        assert_tables_are_those_of_the_live_manifest(books)
        server.start()
    load.ask_again(server)
    wait_for_jobs(books)

    assert load.ledger.contradictions(books, post_office.came) == [], server.said()
    assert broken(books.services) == []
    assert len(load.ledger.created) >= ENTRIES_BEFORE * ROUNDS


def kill_at_any_moment(server: Server, load: Load) -> None:
    """Let them get to work, then kill."""
    enough = len(load.ledger.created) + ENTRIES_BEFORE
    until(lambda: len(load.ledger.created) >= enough)
    time.sleep(random.uniform(0, 1.5))
    server.kill()


def publish_until_killed(server: Server, load: Load) -> None:
    """Publish one change after another, so that one of them is cut short."""
    killing = threading.Thread(target=kill_at_any_moment, args=(server, load))
    killing.start()
    with suppress(NoAnswer), server.client(load.books.keys["kim"]) as kim:
        for document in itertools.cycle((with_extra(), with_numbers(), definition())):
            publish(kim, document)
    killing.join()


def assert_tables_are_those_of_the_live_manifest(books: Books) -> None:
    with books.services.database.read() as connection:
        assert ddl.drift(connection, books.services.apps.live(connection, APP)) == []


def wait_for_jobs(books: Books) -> None:
    """Wait until no job is open any more; those of the dead are put back within half a minute."""
    left = sa.select(sa.func.count()).select_from(tables.job).where(tables.job.c.state.in_(jobs.OPEN))

    def nothing_is_left() -> bool:
        with books.services.database.read() as connection:
            return connection.scalar(left) == 0

    until(nothing_is_left)


def until(what: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)
