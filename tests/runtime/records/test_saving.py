"""What a save does, from the first check to the history."""

from decimal import Decimal
from typing import Any

import pytest

from metadata.problems import Conflict, Invalid, NotFound, Refused


def test_a_created_record_is_there_as_it_was_sent(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="A", tags=["x", "y"], credit=12.5)
    saved = office.get("sven", "customer", customer.id)
    assert (saved["name"], saved["level"], saved["tags"], saved["credit"]) == ("Acme", "A", ("x", "y"), Decimal("12.50"))
    assert (saved["version"], saved["owner"]) == (1, office.people["sven"])


def test_formulas_rows_and_numbers_come_with_the_save(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="B")
    items = [{"what": "a", "qty": 2, "price": 10.5}, {"what": "b", "price": 4}]
    deal = office.create("sven", "deal", title="one", customer=str(customer.id), items=items, margin=0.5)
    saved = office.get("sven", "deal", deal.id)
    assert saved["number"] == "D2026-0001"
    assert [row["f_line"] for row in saved["items"]] == [Decimal("21.00"), Decimal("4.00")]
    assert (saved["total"], saved["gain"]) == (Decimal("25.00"), Decimal("12.50"))
    assert saved["customer_level"] == "B"
    assert saved["customer_secret"] is None
