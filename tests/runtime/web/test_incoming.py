"""Ids and numbers in addresses and forms: what is none leads nowhere, and never to an error of ours."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engines.json_values import id_in
from runtime.web.incoming import moment_in, number_in


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("1042", 1042),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("0", None),
        ("", None),
        ("-1", None),
        ("1.0", None),
        (" 1", None),
        ("²", None),  # a digit to Python, but no number
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_an_id_is_what_the_api_would_have_written(text: str, id: int | None) -> None:
    assert id_in(text) == id


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("²", None), ("", None), ("1" * 10, None), (None, None)])
def test_a_version_of_a_form_is_a_small_number_or_nothing(text: str | None, number: int | None) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0001-01-01T12:00:00+01:00", "1601-01-01T00:00:00Z"])
def test_a_moment_before_all_records_has_a_day_in_every_zone(text: str) -> None:
    moment = moment_in(text)

    assert moment is not None
    for zone in ("America/New_York", "Pacific/Kiritimati", "Asia/Shanghai"):
        assert moment.astimezone(ZoneInfo(zone)) < datetime(2000, 1, 1, tzinfo=UTC)
