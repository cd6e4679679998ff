"""Reports over the records of a moment."""

from typing import Any

import pytest

from metadata.problems import Refused
from runtime import reports, transaction

COUNT = {"name": "orders", "count": True}
REPORTS: list[dict[str, Any]] = [
    {"name": "by_customer", "dimensions": ["customer"], "measures": [COUNT, {"name": "freight", "sum": "freight"}]},
    {"name": "by_region", "dimensions": ["customer.region"], "measures": [COUNT, {"name": "most", "max": "freight"}]},
    {"name": "by_tag", "dimensions": ["tags"], "measures": [COUNT]},
    {"name": "by_month", "dimensions": [{"field": "day", "every": "month"}], "measures": [COUNT]},
    {"name": "of_lines", "rows": "lines", "measures": [{"name": "money", "sum": "price"}, COUNT]},
    {"name": "big", "where": "any(l.price > 5 for l in lines)", "measures": [COUNT]},
    {
        "name": "funnel",
        "dimensions": ["stage"],
        "measures": [COUNT],
        "chart": {"type": "funnel", "reached": True, "stages": ["asked", "offered", "won"]},
    },
]


def test_a_report_of_a_moment_says_what_it_said_then(shop: Any) -> None:
    shop.define(*[{"form": "order", **each} for each in REPORTS])
    clock = shop.services.clock
    told = []

    def day() -> None:
        clock.move(days=1)
        told.append((clock(), {each["name"]: shop.table(each["name"]) for each in REPORTS}))
        clock.move(hours=1)

    ann, bob = shop.put("customer", name="Ann", region="north"), shop.put("customer", name="Bob", region="south")
    one = shop.put(
        "order", title="1", customer=ann, freight=2.5, tags=["a", "b"], day="2026-01-05", lines=[{"price": 3}]
    )
    two = shop.put("order", title="2", customer=bob, freight=7, day="2026-03-05", lines=[{"price": 9}, {"price": 1}])
    day()
    shop.change("order", one, customer=bob, tags=["b"], stage="offered", lines=[{"price": 8}])
    shop.change("customer", bob, name="Bobby", region="north")
    day()
    shop.change("order", two, freight=None, stage="lost", day="2026-02-01", lines=[])
    shop.put("order", title="3", tags=["c"])
    day()

    for moment, said in told:
        assert {each["name"]: shop.then(moment, each["name"]) for each in REPORTS} == said


def test_the_records_behind_a_number_of_a_moment_are_those_of_then(shop: Any) -> None:
    shop.define({"name": "r", "form": "order", "dimensions": ["stage"], "measures": [COUNT]})
    order = shop.put("order", title="then")
    then = shop.services.clock()
    shop.services.clock.move(hours=1)
    shop.change("order", order, title="now", stage="won")

    with transaction.read(shop.services, shop.actor("boss")) as tx:
        found = reports.records_behind(tx, shop._live(), "r", {}, {"stage": "asked"}, as_of=then)
    assert [each.values["f_title"] for each in found.items] == ["then"]


def test_who_may_not_see_the_history_gets_no_report_of_the_past(shop: Any) -> None:
    shop.define({"name": "r", "form": "order", "dimensions": ["stage"], "measures": [COUNT]})
    shop.put("order", title="1", freight=1)
    assert shop.table(role="clerk") == [["asked", 1]]
    with pytest.raises(Refused):
        shop.then(shop.services.clock(), role="clerk")
