"""Rules that stand still: by hand, or by the platform after failures in a row; nothing that was asked for is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from engines.actor import system
from runtime import transaction
from runtime.db import tables
from runtime.jobs import resting
from runtime.rules import pausing
from runtime.services import Services
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import Trading, open_trading

TELL = {"action": "notify", "to": "=owner", "text": "look at {{name}}"}
BIG = {"action": "set", "values": {"note": "big"}}
CREATED = {"trigger": "created", "form": "deal"}


def change(services: Services, act: Callable[..., Any], rule: str = "u_0", *more: str) -> None:
    with transaction.begin(services, system("test")) as tx:
        act(tx, "sales", rule, *more)


def open_jobs(services: Services) -> int:
    with services.database.read() as connection:
        count = select(func.count()).select_from(tables.job).where(tables.job.c.state.in_(("queued", "held")))
        return connection.scalar(count) or 0


def test_a_paused_rule_is_not_asked_about_saves_until_it_is_resumed(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, {"when": CREATED, "then": [BIG]}, {"when": CREATED, "then": [TELL]})

    change(services, pausing.pause, "u_0", "it is wrong")
    change(services, pausing.pause, "u_1")
    quiet = office.save(name="A")
    change(services, pausing.resume, "u_0")
    change(services, pausing.resume, "u_1")
    loud = office.save(name="B")

    assert [office.record(deal)["f_note"] for deal in (quiet, loud)] == [None, "big"]
    assert office.inbox("ann") == ["look at B"]
    assert office.traces() == [("u_0", "fired"), ("u_1", "fired")]


def test_the_jobs_of_a_paused_rule_wait_and_are_done_when_it_goes_on(services: Services, clock: MovedClock) -> None:
    absent = {"trigger": "absence", "form": "deal", "duration": "1 day"}
    office = open_trading(
        services, clock, {"when": CREATED, "async": True, "then": [TELL]}, {"when": absent, "then": [TELL]}
    )
    for rule in ("u_0", "u_1"):
        change(services, pausing.pause, rule)
    office.save(name="A")
    office.wait(days=2)
    waiting = (office.inbox("ann"), open_jobs(services))

    for rule in ("u_0", "u_1"):
        change(services, pausing.resume, rule)
    office.settle()

    assert waiting == ([], 2)
    assert (office.inbox("ann"), open_jobs(services)) == (["look at A"] * 2, 0)


def test_what_waits_for_a_paused_rule_can_be_given_up(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, {"when": CREATED, "async": True, "then": [TELL]})
    change(services, pausing.pause)
    office.save(name="A")

    change(services, resting.discard_held)
    change(services, pausing.resume)
    office.settle()

    assert office.inbox("ann") == []


def test_a_schedule_that_stood_still_is_caught_up_as_after_any_standstill(
    services: Services, clock: MovedClock
) -> None:
    tell = {"action": "notify", "to": {"role": "boss"}, "text": "daily"}
    daily = {"trigger": "schedule", "cron": "0 9 * * *"}
    office = open_trading(
        services, clock, *({"when": {**daily, "catch_up": way}, "then": [tell]} for way in ("none", "last", "all"))
    )
    office.look()
    for rule in ("u_0", "u_1", "u_2"):
        change(services, pausing.pause, rule)
    office.wait(days=3)
    still = office.inbox("chef")

    for rule in ("u_0", "u_1", "u_2"):
        change(services, pausing.resume, rule)
    office.look()

    assert (still, len(office.inbox("chef"))) == ([], 0 + 1 + 3)


def test_publishing_leaves_a_pause_as_it_is(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, {"when": CREATED, "then": [BIG]})
    change(services, pausing.pause)

    office.publish({"when": CREATED, "if": "amount > 1", "then": [BIG]})

    assert office.record(office.save(name="A", amount=5))["f_note"] is None


@pytest.fixture
def failing(services: Services, clock: MovedClock) -> Trading:
    """An async rule whose job fails for deals without a note."""
    refuse = {"action": "refuse", "message": "a visit has a reason"}
    return open_trading(
        services,
        clock,
        {
            "when": CREATED,
            "async": True,
            "then": [{"action": "create", "form": "visit", "values": {"deal": "=id", "what": "{{note}}"}}],
        },
        {"when": {"trigger": "created", "form": "visit"}, "if": "what == ''", "then": [refuse]},
    )


def fail_for_good(office: Trading, count: int) -> None:
    for _ in range(count):
        office.save(name="A")
        for _ in range(8):
            office.clock.move(hours=2)
            office.settle()


def test_a_rule_whose_jobs_fail_again_and_again_is_paused_and_the_keepers_hear_of_it_once(
    failing: Trading, services: Services, hire: Callable[..., int]
) -> None:
    failing.people["keeper"] = hire("Keeper", rights=["app_admin"])

    fail_for_good(failing, pausing.MOST_FAILURES - 1)
    with services.database.read() as connection:
        before = pausing.pauses(connection)
    fail_for_good(failing, 3)

    with services.database.read() as connection:
        (pause,) = pausing.pauses(connection, "sales")
    assert (before, pause.rule, pause.by) == ([], "u_0", None)
    assert [text for text in failing.inbox("keeper") if "paused" in text] == [
        f"The rule “Rule 0” was paused: {pausing.MOST_FAILURES} of its jobs in a row failed for good"
    ]


def test_a_success_in_between_lets_the_failures_be_counted_anew(failing: Trading, services: Services) -> None:
    fail_for_good(failing, pausing.MOST_FAILURES - 1)
    failing.save(name="B", note="said")
    fail_for_good(failing, 1)

    with services.database.read() as connection:
        assert pausing.pauses(connection) == []
