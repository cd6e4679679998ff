"""How values are written for people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runtime.web import formats

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        ("1234567.5", 2, "1,234,567.5"),
        ("1234", 4, "1,234"),
        ("0.00005", 4, "0.0001"),
        ("-0.005", 2, "-0.01"),
        ("100", 0, "100"),
    ],
)
def test_numbers_are_grouped_and_lose_idle_zeros(value: str, decimals: int, written: str) -> None:
    assert formats.number(Decimal(value), decimals) == written


def test_money_keeps_its_cents() -> None:
    assert formats.money(Decimal("1200"), "CNY") == "¥\u00a01,200.00"


def test_a_share_is_shown_in_percent() -> None:
    assert formats.percent(Decimal("0.95")) == "95%"
    assert formats.percent(Decimal("0.1234")) == "12.34%"


@pytest.mark.parametrize(("language", "written"), [("zh", "819 万"), ("en", "8.2M")])
def test_short_numbers_follow_the_language(language: str, written: str) -> None:
    assert formats.short_number(Decimal("8189600"), language) == written


@pytest.mark.parametrize(
    ("past", "english", "chinese"),
    [
        (timedelta(seconds=20), "just now", "刚刚"),
        (timedelta(minutes=5), "5 min ago", "5 分钟前"),
        (timedelta(hours=3), "today 09:00", "今天 09:00"),
        (timedelta(hours=20), "yesterday 16:00", "昨天 16:00"),
        (timedelta(days=3), "3 days ago", "3 天前"),
        (timedelta(days=400), "2025-10-16", "2025-10-16"),
    ],
)
def test_time_is_relative_for_a_week(past: timedelta, english: str, chinese: str) -> None:
    assert formats.ago(NOON - past, NOON, "en") == english
    assert formats.ago(NOON - past, NOON, "zh") == chinese


def test_a_number_in_an_input_has_no_grouping_and_no_exponent() -> None:
    assert formats.input_number(Decimal("1E+6")) == "1000000"
    assert formats.input_number(Decimal("12.50")) == "12.5"


@pytest.mark.parametrize(("name", "short"), [("欧阳明华", "明华"), ("Emma Wilson", "EW"), ("ann", "A"), ("", "?")])
def test_avatars_show_what_fits(name: str, short: str) -> None:
    assert formats.initials(name) == short
