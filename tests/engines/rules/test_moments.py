"""Offsets from dates: the moments they lead to, over months, clock changes and leap days."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.rules.moments import Offset, moment_of, read_offset, values_between
from engines.rules.triggers.schedule import next_run, runs_due, to_be_run

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "offset", "at", "zone", "expected"),
    [
        (date(2026, 12, 31), "-7 day", "09:00", SHANGHAI, "2026-12-24T01:00+00:00"),
        (date(2026, 3, 31), "-1 month", None, SHANGHAI, "2026-02-27T16:00+00:00"),
        (date(2024, 2, 29), "+1 year", "12:00", BERLIN, "2025-02-28T11:00+00:00"),
        (date(2027, 3, 28), "0 day", "02:30", BERLIN, "2027-03-28T01:30+00:00"),
        (date(2026, 12, 1), "+36 hours", None, BERLIN, "2026-12-02T11:00+00:00"),
        (datetime(2026, 10, 24, 8, tzinfo=UTC), "+1 day", None, BERLIN, "2026-10-25T09:00+00:00"),
        (datetime(2026, 10, 24, 8, tzinfo=UTC), "+24 hour", None, BERLIN, "2026-10-25T08:00+00:00"),
        (datetime(2026, 10, 24, 8, tzinfo=UTC), "-2 day", "09:00", BERLIN, "2026-10-22T07:00+00:00"),
    ],
)
def test_an_offset_leads_to_a_moment(value: Any, offset: str, at: str | None, zone: ZoneInfo, expected: str) -> None:
    found = moment_of(value, read_offset(offset), time.fromisoformat(at) if at else None, zone)

    assert found == datetime.fromisoformat(expected)


@given(
    days=st.integers(-400, 400),
    minutes=st.integers(0, 1439),
    amount=st.integers(-40, 40),
    unit=st.sampled_from(["minute", "hour", "day", "week", "month", "year"]),
    at=st.sampled_from([None, time(9), time(23, 59)]),
    zone=st.sampled_from([SHANGHAI, BERLIN]),
    is_day=st.booleans(),
)
def test_the_window_holds_every_value_whose_moment_comes(
    days: int, minutes: int, amount: int, unit: str, at: time | None, zone: ZoneInfo, is_day: bool
) -> None:
    value: Any = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(days=days, minutes=minutes)
    value = value.date() if is_day else value
    offset = Offset(amount, unit)
    due = moment_of(value, offset, at, zone)

    low, high = values_between(due - timedelta(minutes=1), due, offset, at, zone, is_day)

    assert low < value <= high


def test_a_daily_schedule_runs_once_when_the_clocks_change() -> None:
    spring = next_run("30 2 * * *", datetime(2027, 3, 27, 12, tzinfo=UTC), BERLIN)
    after_spring = next_run("30 2 * * *", spring, BERLIN)
    autumn = next_run("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)
    after_autumn = next_run("30 2 * * *", autumn, BERLIN)

    assert spring.astimezone(BERLIN).date() == date(2027, 3, 28)
    assert after_spring.astimezone(BERLIN).date() == date(2027, 3, 29)
    assert autumn == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert after_autumn.astimezone(BERLIN).date() == date(2026, 10, 26)


@pytest.mark.parametrize(("catch_up", "expected"), [("none", 0), ("last", 1), ("all", 3)])
def test_missed_runs_are_caught_up_as_the_rule_wants(catch_up: Any, expected: int) -> None:
    due, now = datetime(2026, 11, 18, 1, tzinfo=UTC), datetime(2026, 11, 20, 5, tzinfo=UTC)

    runs = to_be_run(runs_due("0 9 * * *", due, now, SHANGHAI), now, catch_up)

    assert len(runs) == expected
    assert all(run.astimezone(SHANGHAI).hour == 9 for run in runs)
