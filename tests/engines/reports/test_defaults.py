"""What an author writes as the default of a parameter is read as strictly as what a reader chooses."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engines.reports.parameters import read_value


@pytest.mark.parametrize(
    ("type_name", "raw", "value"),
    [
        ("date", "2026-03-02", date(2026, 3, 2)),
        ("number", 2.5, Decimal("2.5")),
        ("yes_no", "true", True),
        ("link", "12", 12),
        ("text", 3, "3"),
    ],
)
def test_a_value_is_read_by_its_type(type_name: str, raw: Any, value: Any) -> None:
    assert read_value(type_name, raw) == value


@pytest.mark.parametrize(
    ("type_name", "raw"),
    [("date", "soon"), ("date", 5), ("number", "NaN"), ("number", "1e400"), ("yes_no", "maybe"), ("member", 2**70)],
)
def test_what_is_not_of_its_type_is_refused(type_name: str, raw: Any) -> None:
    with pytest.raises(ValueError):
        read_value(type_name, raw)
