"""Two saves of one record: what counts as a difference."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runtime.web.pages.fields.posted import Posted
from runtime.web.pages.records.merging import differences
from tests.engines.rules.sales import sales

AMOUNT = sales().forms["t_deal"].fields["f_amount"]


@pytest.mark.parametrize(
    ("typed", "stored", "count"),
    [("0", None, 1), ("", Decimal(0), 1), ("0", Decimal("0.00"), 0), ("", None, 0), ("5", Decimal(5), 0)],
)
def test_nought_is_not_blank(typed: str, stored: Any, count: int) -> None:
    found = differences([AMOUNT], None, {"f_amount": stored}, Posted({"amount": [typed]}, {}), ZoneInfo("UTC"))

    assert len(found) == count
