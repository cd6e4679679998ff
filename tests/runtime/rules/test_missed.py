"""A worker that was away: what schedules missed is caught up as their authors want, and the keepers hear of it once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engines.actor import system
from runtime import jobs, transaction
from runtime.jobs.kinds import JOB_KINDS
from runtime.rules import attention, missed
from runtime.services import Services, open_services
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import Trading, open_trading


def daily(catch_up: str) -> dict[str, Any]:
    tell = {"action": "notify", "to": {"role": "boss"}, "text": catch_up}
    return {"when": {"trigger": "schedule", "cron": "0 9 * * *", "catch_up": catch_up}, "then": [tell]}


def start_again(office: Trading, clock: MovedClock) -> None:
    """Another process takes over: it knows nothing but the database."""
    fresh = open_services(office.services.settings, clock)
    fresh.apps.keep(_live(office), office.app)
    office.services.close()
    office.services = fresh


def _live(office: Trading) -> int:
    from sqlalchemy import select

    from runtime.db import tables

    with office.services.database.read() as connection:
        return int(connection.scalar(select(tables.app.c.live)) or 0)


def test_after_three_days_away_each_schedule_is_caught_up_as_it_wants_and_the_keepers_hear_of_it_once(
    services: Services, clock: MovedClock, hire: Callable[..., int]
) -> None:
    office = open_trading(services, clock, daily("none"), daily("last"), daily("all"))
    office.people["keeper"] = hire("Keeper", rights=["app_admin"])
    office.look()

    clock.move(days=3, hours=5)
    start_again(office, clock)
    office.look()
    office.look()

    assert sorted(office.inbox("chef")) == ["all", "all", "all", "last"]
    assert office.inbox("keeper") == ["Schedules that were missed: 3"]
    with transaction.read(office.services, system("test")) as tx:
        told = {title: (each.count, each.caught_up) for each, title in attention.missed_schedules(tx)}
    assert told == {"Rule 0": (3, 0), "Rule 1": (3, 1), "Rule 2": (3, 3)}
    with transaction.begin(office.services, system("test")) as tx:
        missed.put_aside(tx)
        assert attention.missed_schedules(tx) == []
    office.services.close()


def test_all_means_ten_at_most(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, daily("all"))
    office.look()

    office.wait(days=20)

    assert office.inbox("chef") == ["all"] * 10


def test_a_schedule_that_is_on_time_is_missed_by_nobody(
    services: Services, clock: MovedClock, hire: Callable[..., int]
) -> None:
    office = open_trading(services, clock, daily("last"))
    office.people["keeper"] = hire("Keeper", rights=["app_admin"])
    office.look()

    clock.now = clock.now.replace(hour=1, minute=0) + timedelta(days=1)  # nine in Shanghai
    office.look()

    assert (office.inbox("chef"), office.inbox("keeper")) == (["last"], [])


def test_moments_that_come_late_are_told_of_and_those_older_than_the_window_are_left_out(
    services: Services, clock: MovedClock, hire: Callable[..., int]
) -> None:
    tell = {"action": "notify", "to": "=owner", "text": "look at {{name}}"}
    office = open_trading(
        services, clock, {"when": {"trigger": "date", "form": "deal", "field": "due"}, "then": [tell]}
    )
    office.people["keeper"] = hire("Keeper", rights=["app_admin"])
    office.look()
    office.save(name="old", due="2026-11-25")
    office.save(name="young", due="2026-12-20")

    office.wait(days=40)

    assert office.inbox("ann") == ["look at young"]
    assert office.inbox("keeper") == ["Sales: moments of rules that come late: 1"]


def test_a_sweep_of_many_moments_writes_each_once(services: Services, clock: MovedClock) -> None:
    tell = {"action": "notify", "to": "=owner", "text": "{{name}}"}
    office = open_trading(
        services, clock, {"when": {"trigger": "date", "form": "deal", "field": "due"}, "then": [tell]}
    )
    for number in range(30):
        office.save(name=f"{number:02}", due="2026-11-25")

    office.wait(days=6)
    office.look()
    jobs.run_due(services, kinds=JOB_KINDS)

    assert sorted(office.inbox("ann")) == [f"{number:02}" for number in range(30)]
