"""Moments: dates, stages, silence and schedules, each once, on a clock that jumps."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from runtime.db import tables
from runtime.rules import sweeps
from runtime.services import Services
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import open_trading

TELL = {"action": "notify", "to": "=owner", "text": "look at {{name}}"}


def rule(trigger: str, **options: Any) -> dict[str, Any]:
    condition = {"if": options.pop("condition")} if "condition" in options else {}
    then = options.pop("then", [TELL])
    return {"when": {"trigger": trigger, "form": "deal", **options}, "then": then, **condition}


def test_a_date_rule_fires_once_at_its_time(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("date", field="due", offset="-7 day", time="09:00"))
    office.save(name="A", due="2026-12-01")  # due on the 24th of November at nine in Shanghai, one in the night UTC

    office.wait(days=3, hours=15)  # 24th, midnight UTC
    before = office.inbox("ann")
    office.wait(hours=1)
    at = office.inbox("ann")
    office.wait(hours=1)
    office.wait(days=30)

    assert (before, at) == ([], ["look at A"])
    assert office.inbox("ann") == ["look at A"]


def test_a_moved_date_arms_the_rule_anew(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("date", field="due", offset="-7 day"))
    deal = office.save(name="A", due="2026-12-01")
    office.wait(days=5)
    office.save(id=deal, due="2026-12-20")

    office.wait(days=10)
    still = office.inbox("ann")
    office.wait(days=10)

    assert (len(still), len(office.inbox("ann"))) == (1, 2)


def test_a_moment_past_when_the_date_is_set_is_fired_by_the_save_if_the_date_is_ahead(
    services: Services, clock: MovedClock
) -> None:
    office = open_trading(services, clock, rule("date", field="due", offset="-30 day"))

    office.save(name="soon", due="2026-12-01")
    office.save(name="gone", due="2026-11-01")
    office.wait(days=1)

    assert office.inbox("ann") == ["look at soon"]


def test_the_condition_is_asked_when_the_moment_comes(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("date", field="due", offset="-1 day", condition="stage == 'new'"))
    office.save(name="open", due="2026-11-25")
    office.save(name="won", due="2026-11-25", stage="won")

    office.wait(days=6)

    assert office.inbox("ann") == ["look at open"]


def test_a_row_of_a_subform_has_its_own_moments(services: Services, clock: MovedClock) -> None:
    tell = {"action": "notify", "to": "=record.owner", "text": "{{sum}} of {{record.name}}"}
    office = open_trading(services, clock, rule("date", rows="plan", field="day", offset="-3 day", then=[tell]))
    office.save(name="A", plan=[{"day": "2026-11-26", "sum": 10}, {"day": "2026-12-26", "sum": 20}])

    office.wait(days=4)
    first = office.inbox("ann")
    office.wait(days=30)

    assert [text.split(" of ")[1] for text in first] == ["A"]
    assert len(office.inbox("ann")) == 2


def test_date_times_count_by_the_hour(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("date", field="call", offset="+2 hour"))
    office.save(name="A", call="2026-11-20T10:00:00Z")  # it is nine

    office.wait(hours=2, minutes=59)
    before = office.inbox("ann")
    office.wait(minutes=1)

    assert (before, office.inbox("ann")) == ([], ["look at A"])


def test_a_deal_stuck_in_a_stage_is_told_of_and_again_after_it_came_back(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services, clock, rule("time_in_stage", field="stage", value=["new", "offer"], duration="10 day")
    )
    deal = office.save(name="A")

    office.wait(days=9)
    before = office.inbox("ann")
    office.wait(days=1, minutes=1)
    stuck = office.inbox("ann")
    office.save(id=deal, stage="won")
    office.wait(days=20)
    office.save(id=deal, stage="offer")
    office.wait(days=11)

    assert (before, stuck) == ([], ["look at A"])
    assert office.inbox("ann") == ["look at A", "look at A"]


def test_silence_of_children_counts_from_the_last_one(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("absence", child="visit", duration="24 hour"))
    deal = office.save(name="A")
    office.wait(hours=20)
    office.save("visit", deal=str(deal), what="called")

    office.wait(hours=20)
    quiet = office.inbox("ann")
    office.wait(hours=5)
    told = office.inbox("ann")
    office.wait(days=3)
    office.save("visit", deal=str(deal), what="again")
    office.wait(hours=25)

    assert (quiet, told) == ([], ["look at A"])
    assert office.inbox("ann") == ["look at A", "look at A"]


def test_a_deal_without_any_child_counts_from_its_creation(services: Services, clock: MovedClock) -> None:
    pool = {"action": "assign", "to": None}
    office = open_trading(
        services,
        clock,
        rule("absence", child="visit", duration="24 hour"),
        rule("absence", child="visit", duration="3 day", then=[pool]),
    )
    deal = office.save(name="A")

    office.wait(days=1, minutes=1)
    first = (office.inbox("ann"), office.record(deal)["owner"])
    office.wait(days=2)

    assert first == (["look at A"], office.people["ann"])
    assert office.record(deal)["owner"] is None


def test_silence_of_rows_counts_from_the_last_row(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("absence", rows="plan", duration="3 day"))
    deal = office.save(name="A", plan=[{"sum": 1}])
    office.wait(days=2)
    rows = [{"id": str(row["id"]), "sum": 2} for row in office.record(deal)["f_plan"]]
    office.save(id=deal, plan=rows)  # an old row changes: no new one
    office.wait(days=1, minutes=1)
    told = office.inbox("ann")
    office.save(id=deal, plan=[*rows, {"sum": 3}])
    office.wait(days=2)
    quiet = office.inbox("ann")
    office.wait(days=1, minutes=1)

    assert (told, quiet) == (["look at A"], ["look at A"])
    assert len(office.inbox("ann")) == 2


def test_no_change_for_a_while(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("absence", duration="7 day"))
    deal = office.save(name="A")
    office.wait(days=6)
    office.save(id=deal, note="x")

    office.wait(days=6)
    quiet = office.inbox("ann")
    office.wait(days=2)

    assert (quiet, office.inbox("ann")) == ([], ["look at A"])


def test_a_deleted_record_is_left_in_peace(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("absence", duration="1 day"), rule("date", field="due"))
    office.delete(office.save(name="A", due="2026-11-25"))

    office.wait(days=10)

    assert office.inbox("ann") == []


def test_a_schedule_catches_up_the_last_run_and_tells_once(services: Services, clock: MovedClock) -> None:
    tell = {"action": "notify", "to": {"role": "boss"}, "text": "weekly"}
    weekly = {"when": {"trigger": "schedule", "cron": "0 9 * * 1"}, "then": [tell]}
    office = open_trading(services, clock, weekly)

    office.look()
    before = office.inbox("chef")
    office.wait(days=3)  # Monday
    monday = office.inbox("chef")
    office.wait(days=15)  # two Mondays went by

    assert (before, monday) == ([], ["weekly"])
    assert office.inbox("chef") == ["weekly", "weekly"]


def test_a_schedule_with_a_form_runs_for_each_record_that_meets_the_condition(
    services: Services, clock: MovedClock
) -> None:
    office = open_trading(services, clock, rule("schedule", cron="0 9 * * *", condition="amount > 100"))
    office.look()
    for name, amount in (("A", 200), ("B", 50), ("C", 300)):
        office.save(name=name, amount=amount)

    office.wait(days=1)

    assert sorted(office.inbox("ann")) == ["look at A", "look at C"]


def test_a_schedule_that_is_gone_fires_no_more(services: Services, clock: MovedClock) -> None:
    tell = {"action": "notify", "to": {"role": "boss"}, "text": "daily"}
    office = open_trading(services, clock, {"when": {"trigger": "schedule", "cron": "0 9 * * *"}, "then": [tell]})
    office.look()
    office.publish()

    office.look()
    office.wait(days=3)

    assert office.inbox("chef") == []
    with services.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.timer)) == 0


def test_a_clock_that_jumps_back_and_forth_fires_nothing_twice(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services, clock, rule("date", field="due", offset="-7 day"), rule("absence", duration="2 day")
    )
    office.save(name="A", due="2026-12-01")

    for hours in (100, -50, 60, -1, 24, 24):
        office.wait(hours=hours)

    assert office.inbox("ann") == ["look at A", "look at A"]


def test_a_new_rule_does_not_dig_up_the_past(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock)
    office.save(name="old", due="2026-11-22")
    office.wait(days=10)

    office.publish(rule("date", field="due"), rule("absence", duration="1 day"))
    office.wait(hours=1)

    assert office.inbox("ann") == []


def test_two_processes_that_sweep_at_once_fire_once(services: Services, clock: MovedClock) -> None:
    office = open_trading(services, clock, rule("absence", duration="1 day"))
    office.save(name="A")
    clock.now += timedelta(days=2)
    first = sweeps.run(services)
    with services.database.write() as connection:  # as if the other had read the same watermark
        connection.execute(tables.watermark.delete())
    second = sweeps.run(services)
    office.settle()

    assert (first, second) == (1, 0)
    assert office.inbox("ann") == ["look at A"]
