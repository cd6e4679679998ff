"""Timers: set, moved, cancelled with the user's transaction, and promoted once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from engines.actor import system
from runtime import jobs, transaction
from runtime.db import tables
from runtime.jobs import Job, JobKind, timers
from runtime.services import Services
from runtime.transaction import Tx
from tests.runtime.conftest import MovedClock


def set_timer(services: Services, key: str, **due: float) -> None:
    with transaction.begin(services, system("test")) as tx:
        timers.set_timer(tx, key, "work", tx.now + timedelta(**due), {"n": key})


def fired(services: Services) -> list[str]:
    done: list[str] = []

    def work(tx: Tx, job: Job) -> None:
        done.append(job.payload["n"])

    timers.run(services)
    jobs.run_due(services, kinds={"work": JobKind("inside", work)})
    return sorted(done)


def test_a_timer_fires_once_when_it_is_due(services: Services, clock: MovedClock) -> None:
    set_timer(services, "a", hours=1)

    before = fired(services)
    clock.move(hours=1)

    assert (before, fired(services), fired(services)) == ([], ["a"], [])


def test_the_same_key_moves_it_and_cancelling_forgets_it(services: Services, clock: MovedClock) -> None:
    set_timer(services, "a", hours=1)
    set_timer(services, "a", hours=5)
    for key in ("flow:1:x", "flow:1:y", "flow:12:x"):
        set_timer(services, key, hours=1)
    with transaction.begin(services, system("test")) as tx:
        timers.cancel_all(tx, "flow:1:")
    clock.move(hours=2)

    assert fired(services) == ["flow:12:x"]


def test_a_timer_of_a_transaction_that_is_undone_was_never_there(services: Services, clock: MovedClock) -> None:
    with pytest.raises(ZeroDivisionError), transaction.begin(services, system("test")) as tx:
        timers.set_timer(tx, "a", "work", tx.now, {"n": "a"})
        raise ZeroDivisionError

    assert fired(services) == []


def test_many_timers_that_are_due_at_once_all_fire(services: Services, clock: MovedClock) -> None:
    with services.database.write() as connection:
        rows = [
            {"key": f"t{n}", "due": clock(), "kind": "work", "payload": {"n": f"{n:03}"}, "cron": None, "zone": None}
            for n in range(250)
        ]
        connection.execute(tables.timer.insert(), rows)

    came = timers.run(services)

    with services.database.read() as connection:
        assert len(connection.scalars(select(tables.job.c.key)).all()) == came == 250
        assert connection.scalars(select(tables.timer.c.key)).all() == []
