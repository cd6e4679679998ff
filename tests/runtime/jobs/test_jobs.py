"""Jobs: made with what causes them, done once, tried again, given up, and brought back."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import insert, select

from engines.actor import system
from metadata.problems import Conflict, NotFound
from runtime import jobs, transaction
from runtime.db import tables
from runtime.jobs import Job, JobKind, failures, queue, resting
from runtime.services import Services
from runtime.transaction import Tx
from tests.runtime.conftest import MovedClock


def enqueue(services: Services, key: str, delay: float = 0, kind: str = "work", **payload: Any) -> bool:
    with transaction.begin(services, system("test")) as tx:
        return jobs.enqueue(tx, kind, key, payload, delay)


def state(services: Services, key: str) -> Mapping[str, Any]:
    with services.database.read() as connection:
        return dict(connection.execute(select(tables.job).where(tables.job.c.key == key)).mappings().one())


def note_down(tx: Tx, job: Job) -> None:
    """A job whose effect is a row: the watermark of its key."""
    tx.connection.execute(insert(tables.watermark).values(name=f"done:{job.key}", at=tx.now))


def effects(services: Services) -> list[str]:
    with services.database.read() as connection:
        return sorted(connection.scalars(select(tables.watermark.c.name)))


def fail(*_: Any) -> None:
    raise RuntimeError("no luck")


INSIDE = {"work": JobKind("inside", note_down)}


def test_a_job_is_done_once_however_often_it_is_carried(services: Services) -> None:
    enqueue(services, "a")

    assert jobs.perform(services, "a", INSIDE)
    assert not jobs.perform(services, "a", INSIDE)

    assert effects(services) == ["done:a"]
    assert state(services, "a")["state"] == "done"


def test_a_job_of_a_transaction_that_is_undone_was_never_there(services: Services) -> None:
    with pytest.raises(ZeroDivisionError), transaction.begin(services, system("test")) as tx:
        jobs.enqueue(tx, "work", "a", {})
        raise ZeroDivisionError

    assert jobs.run_due(services, kinds=INSIDE) == 0
    assert effects(services) == []


def test_the_same_key_makes_one_job(services: Services) -> None:
    assert enqueue(services, "a")
    assert not enqueue(services, "a")

    assert jobs.run_due(services, kinds=INSIDE) == 1


def test_a_delayed_job_waits_for_its_time(services: Services, clock: MovedClock) -> None:
    enqueue(services, "a", delay=3600)

    early = jobs.run_due(services, kinds=INSIDE)
    clock.move(hours=1)
    late = jobs.run_due(services, kinds=INSIDE)

    assert (early, late) == (0, 1)


def test_a_failing_job_is_tried_again_after_growing_whiles_and_then_given_up(
    services: Services, clock: MovedClock, hire: Callable[..., int]
) -> None:
    keeper = hire("Keeper", rights=["app_admin"])
    enqueue(services, "a")
    kinds = {"work": JobKind("inside", fail)}
    waits = []
    for _ in range(failures.MOST_ATTEMPTS):
        assert jobs.run_due(services, kinds=kinds) == 1
        waits.append((state(services, "a")["run_at"] - clock()).total_seconds())
        clock.move(hours=2)

    assert waits[:-1] == sorted(waits[:-1])
    assert 10 <= waits[0] <= 12
    assert state(services, "a")["state"] == "dead"
    assert "no luck" in state(services, "a")["last_error"]
    assert jobs.run_due(services, kinds=kinds) == 0
    with services.database.read() as connection:
        told = list(connection.scalars(select(tables.notification.c.member)))
    assert told == [keeper]


def test_what_a_failing_job_did_before_it_failed_is_undone(services: Services) -> None:
    def half(tx: Tx, job: Job) -> None:
        note_down(tx, job)
        raise RuntimeError

    enqueue(services, "a")
    jobs.run_due(services, kinds={"work": JobKind("inside", half)})

    assert effects(services) == []


def test_one_bad_job_does_not_stop_the_line(services: Services) -> None:
    enqueue(services, "a", kind="bad")
    enqueue(services, "b")
    enqueue(services, "c", kind="nobody knows this kind")

    jobs.run_due(services, kinds={**INSIDE, "bad": JobKind("inside", fail)})

    assert effects(services) == ["done:b"]
    assert "no kind of job" in state(services, "c")["last_error"]


def test_a_worker_that_stalled_discards_what_it_did(services: Services) -> None:
    def overtaken(tx: Tx, job: Job) -> None:
        note_down(tx, job)
        raised = tables.job.update().where(tables.job.c.key == job.key).values(attempt=tables.job.c.attempt + 1)
        tx.connection.execute(raised)  # as another worker's claim would have

    enqueue(services, "a")
    jobs.perform(services, "a", {"work": JobKind("inside", overtaken)})
    nothing_yet = effects(services)
    jobs.perform(services, "a", INSIDE)

    assert nothing_yet == []
    assert effects(services) == ["done:a"]


def test_a_job_that_takes_its_worker_down_each_time_is_given_up(services: Services) -> None:
    class Death(BaseException):
        """The process dies: nothing that handles errors sees it."""

    def die(*_: Any) -> None:
        raise Death

    enqueue(services, "a")
    for _ in range(failures.MOST_ATTEMPTS):
        with pytest.raises(Death):
            jobs.perform(services, "a", {"work": JobKind("outside", die)})

    assert not jobs.perform(services, "a", INSIDE)
    assert state(services, "a")["state"] == "dead"
    assert effects(services) == []


def test_a_dead_job_can_be_brought_back_or_discarded(services: Services) -> None:
    permanent = RuntimeError("never")
    permanent.is_permanent = True  # type: ignore[attr-defined]

    def refuse(*_: Any) -> None:
        raise permanent

    for key in ("a", "b"):
        enqueue(services, key)
    jobs.run_due(services, kinds={"work": JobKind("inside", refuse)})
    with transaction.begin(services, system("test")) as tx:
        resting.retry(tx, "a")
        resting.discard(tx, "b")
    jobs.run_due(services, kinds=INSIDE)

    assert effects(services) == ["done:a"]
    assert state(services, "b")["state"] == "discarded"
    with pytest.raises(Conflict), transaction.begin(services, system("test")) as tx:
        resting.retry(tx, "a")
    with pytest.raises(NotFound), transaction.begin(services, system("test")) as tx:
        resting.retry(tx, "c")


def test_a_chain_of_jobs_comes_to_an_end(services: Services) -> None:
    def again(tx: Tx, job: Job) -> None:
        jobs.enqueue(tx, "work", f"{job.key}+", {})

    enqueue(services, "a")
    done = jobs.run_due(services, kinds={"work": JobKind("inside", again)})

    assert done == queue.MOST_HOPS
    assert state(services, "a" + "+" * queue.MOST_HOPS)["state"] == "dead"


def test_jobs_tell_the_queue_within_their_transaction(services: Services) -> None:
    told: list[tuple[str, float]] = []

    class Carrier:
        def put(self, connection: Any, key: str, turn: int, delay_seconds: float) -> None:
            assert connection.in_transaction()
            told.append((key, delay_seconds))

    services.queue = Carrier()
    enqueue(services, "a")
    enqueue(services, "b", delay=60)

    assert told == [("a", 0), ("b", 60)]
