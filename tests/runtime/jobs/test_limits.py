"""How much may happen later: runs, mails, chains and waiting jobs; what is too much waits, and people are told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engines.actor import system
from runtime import jobs, transaction
from runtime.db import tables
from runtime.jobs import Job, queue, resting, turnstiles
from runtime.jobs.kinds import JOB_KINDS
from runtime.jobs.turnstiles import Turnstile, take_place
from runtime.services import Services
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import Trading, open_trading

TELL = {"action": "notify", "to": "=owner", "text": "look at {{name}}"}
CREATED = {"trigger": "created", "form": "deal"}


@pytest.fixture
def keeper(hire: Callable[..., int]) -> int:
    return hire("Keeper", rights=["app_admin"])


def told(office: Trading, keeper: int) -> list[str]:
    office.people["keeper"] = keeper
    return office.inbox("keeper")


def states(services: Services, kind: str) -> dict[str, int]:
    job = tables.job
    with services.database.read() as connection:
        counted = select(job.c.state, func.count()).where(job.c.kind == kind).group_by(job.c.state)
        return {row.state: row[1] for row in connection.execute(counted)}


def test_who_comes_after_the_last_place_waits_for_the_next_while(services: Services, clock: MovedClock) -> None:
    gate = Turnstile("x", 2, 60)
    with services.database.write() as connection:
        places = [take_place(connection, gate, clock()) for _ in range(5)]
        clock.move(minutes=10)
        later = take_place(connection, gate, clock())

    begin = places[0]
    assert [(place - begin).total_seconds() for place in places] == [0, 0, 60, 60, 120]
    assert later == begin + timedelta(minutes=10)


def test_a_rule_that_runs_too_often_goes_on_in_the_next_minute(
    services: Services, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnstiles, "RUNS_OF_A_RULE_A_MINUTE", 2)
    office = open_trading(services, clock, {"when": CREATED, "async": True, "then": [TELL]})

    for name in "ABC":
        office.save(name=name)
    at_once = office.inbox("ann")
    clock.move(minutes=1)
    office.settle()

    assert at_once == ["look at A", "look at B"]
    assert office.inbox("ann") == ["look at A", "look at B", "look at C"]


def test_rules_that_set_each_other_off_in_jobs_come_to_an_end_and_the_keepers_hear_of_it(
    services: Services, clock: MovedClock, keeper: int
) -> None:
    count = {"action": "set", "values": {"score": "=score + 1"}}
    office = open_trading(
        services, clock, {"when": {"trigger": "updated", "form": "deal"}, "async": True, "then": [count]}
    )
    deal = office.save(name="A", score=0)

    office.save(id=deal, note="x")

    assert office.record(deal)["f_score"] == queue.MOST_HOPS
    assert states(services, "effects") == {"done": queue.MOST_HOPS, "dead": 1}
    assert ["was paused" in text for text in told(office, keeper)] == [True]
    office.save(id=deal, note="y")
    assert states(services, "effects")["held"] == 1


def test_a_rule_with_too_many_waiting_jobs_makes_no_more_while_saving_goes_on(
    services: Services, clock: MovedClock, keeper: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_WAITING", 2)
    office = open_trading(services, clock, {"when": CREATED, "async": True, "then": [TELL]})
    with services.database.write() as connection:
        waiting = {"kind": "effects", "payload": {}, "state": "queued", "attempt": 0, "app": "sales", "rule": "u_0"}
        moments = {"run_at": clock() + timedelta(days=9), "created_at": clock()}
        connection.execute(tables.job.insert(), [{"key": key, **waiting, **moments} for key in "ab"])

    deals = [office.save(name=name) for name in "AB"]

    assert all(office.record(deal)["f_name"] for deal in deals)
    assert office.inbox("ann") == []
    assert states(services, "effects") == {"queued": 2}
    assert len(told(office, keeper)) == 1


def test_the_keepers_are_told_once_a_day_of_a_queue_that_grows(
    services: Services, clock: MovedClock, keeper: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "MANY_WAITING", 2)
    office = open_trading(services, clock)

    for key in "abc":
        with transaction.begin(services, system("test")) as tx:
            jobs.enqueue(tx, "work", key, {})
        resting.watch(services)
    first = told(office, keeper)
    clock.move(days=1, minutes=1)
    resting.watch(services)

    assert (len(first), len(told(office, keeper))) == (1, 2)


def mailing(services: Services, office: Trading, **more: Any) -> Callable[[], int]:
    """Do what is due, mails by their turnstiles too; gives how many mails have gone out."""
    gone: list[str] = []

    def catch(_services: Services, job: Job) -> None:
        gone.append(job.payload["to"])

    def settle() -> int:
        jobs.run_due(services, kinds={**JOB_KINDS, "mail": replace(JOB_KINDS["mail"], do=catch)})
        return len(gone)

    return settle


def mail_to(*addresses: str) -> dict[str, Any]:
    return {"action": "mail", "to": list(addresses), "subject": "hello", "text": "{{name}}"}


def save_quietly(office: Trading, name: str) -> None:
    """Save as a person would; what comes of it waits."""
    from runtime import records

    def work(tx: transaction.Tx) -> None:
        records.save(tx, office.app, "deal", None, {"name": name}, check_version=False)

    transaction.run(office.services, office.actor("ann"), work)


def test_mails_of_one_run_beyond_the_limit_go_out_later(
    services: Services, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnstiles, "MAILS_OF_A_RUN_AT_ONCE", 2)
    addresses = [f"m{number}@example.com" for number in range(5)]
    office = open_trading(services, clock, {"when": CREATED, "then": [mail_to(*addresses)]})
    settle = mailing(services, office)

    save_quietly(office, "A")
    gone = [settle()]
    for _ in range(2):
        clock.move(minutes=1)
        gone.append(settle())

    assert gone == [2, 4, 5]


def test_mails_that_one_member_sets_off_are_limited_by_the_hour_and_none_is_lost(
    services: Services, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnstiles, "MAILS_OF_A_MEMBER_AN_HOUR", 2)
    office = open_trading(services, clock, {"when": CREATED, "async": True, "then": [mail_to("m@example.com")]})
    settle = mailing(services, office)

    for name in "ABC":
        save_quietly(office, name)
    at_once = settle()
    clock.move(minutes=59)
    same_hour = settle()
    clock.move(minutes=1)

    assert (at_once, same_hour, settle()) == (2, 2, 3)


def test_the_installation_sends_so_many_mails_a_minute(
    services: Services, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.settings = services.settings.model_copy(update={"mails_per_minute": 2})
    addresses = [f"m{number}@example.com" for number in range(3)]
    office = open_trading(services, clock, {"when": CREATED, "then": [mail_to(*addresses)]})
    settle = mailing(services, office)

    save_quietly(office, "A")
    at_once = settle()
    clock.move(minutes=1)

    assert (at_once, settle()) == (2, 3)
