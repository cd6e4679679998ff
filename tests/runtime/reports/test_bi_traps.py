"""The traps in which reports are caught: fan-out, double counting, blank groups, averages of averages, masked values.

Every test draws its little tables and says the right number.
"""

from decimal import Decimal
from typing import Any

import pytest

from metadata.problems import Invalid, InvalidDefinition, NotFound

COUNT = {"name": "orders", "count": True}


def test_a_sum_over_the_record_is_not_multiplied_by_its_rows(shop: Any) -> None:
    """
    order | freight | lines
    a     | 10      | 1, 2, 3      the naive join adds 10 three times: 30 + 5 = 35
    b     | 5       | 4            the truth is 15
    """
    shop.define(
        {
            "name": "r",
            "form": "order",
            "rows": "lines",
            "measures": [
                {"name": "prices", "sum": "price"},
                {"name": "freight_sum", "sum": "record.freight"},
                {"name": "freight_mean", "avg": "record.freight"},
                {"name": "lines_count", "count": True},
            ],
        }
    )
    shop.put("order", title="a", freight=10, lines=[{"price": 1}, {"price": 2}, {"price": 3}])
    shop.put("order", title="b", freight=5, lines=[{"price": 4}])

    assert shop.table() == [[Decimal("10.00"), Decimal("15.00"), Decimal("7.50"), 4]]


def test_both_grains_of_a_report_meet_in_the_same_group(shop: Any) -> None:
    """
    customer | order | freight | lines
    Ann      | a     | 10      | 1, 2
    Bob      | b     | 5       | 4
    """
    shop.define(
        {
            "name": "r",
            "form": "order",
            "rows": "lines",
            "dimensions": ["record.customer"],
            "measures": [{"name": "prices", "sum": "price"}, {"name": "freight_sum", "sum": "record.freight"}],
            "sort": ["-prices"],
        }
    )
    ann, bob = shop.put("customer", name="Ann"), shop.put("customer", name="Bob")
    shop.put("order", title="a", customer=ann, freight=10, lines=[{"price": 1}, {"price": 2}])
    shop.put("order", title="b", customer=bob, freight=5, lines=[{"price": 4}])

    assert shop.table() == [["Bob", Decimal("4.00"), Decimal("5.00")], ["Ann", Decimal("3.00"), Decimal("10.00")]]


def test_the_total_over_tags_counts_every_record_once(shop: Any) -> None:
    """
    order | freight | tags
    a     | 10      | red, blue      red 10, blue 15, none 1; together 16 and not 26
    b     | 5       | blue
    c     | 1       | -
    """
    shop.define(
        {"name": "r", "form": "order", "dimensions": ["tags"], "measures": [{"name": "money", "sum": "freight"}]}
    )
    shop.put("order", title="a", freight=10, tags=["red", "blue"])
    shop.put("order", title="b", freight=5, tags=["blue"])
    shop.put("order", title="c", freight=1)

    result = shop.ask()

    found = {row.cells[0].key: row.values["money"] for row in result.rows}
    assert found == {"red": Decimal("10.00"), "blue": Decimal("15.00"), None: Decimal("1.00")}
    assert result.totals == {"money": Decimal("16.00")}
    assert shop.behind(tags="blue") == ["a", "b"]
    assert shop.behind(tags=None) == ["c"]


def test_the_total_average_is_no_average_of_averages(shop: Any) -> None:
    """
    north | 1, 2, 3      average 2
    south | 10           average 10; together 4 and not 6
    """
    shop.define(
        {
            "name": "r",
            "form": "order",
            "dimensions": ["customer.region"],
            "measures": [{"name": "mean", "avg": "freight"}],
        }
    )
    north, south = shop.put("customer", name="N", region="north"), shop.put("customer", name="S", region="south")
    for freight in (1, 2, 3):
        shop.put("order", title="x", customer=north, freight=freight)
    shop.put("order", title="y", customer=south, freight=10)

    result = shop.ask()

    assert [row.values["mean"] for row in result.rows] == [Decimal("2.00"), Decimal("10.00")]
    assert result.totals["mean"] == Decimal("4.00")


def test_distinct_customers_of_all_groups_are_not_added_up(shop: Any) -> None:
    """
    month | customers
    01    | Ann, Bob
    02    | Ann          together 2 and not 3
    """
    shop.define(
        {
            "name": "r",
            "form": "order",
            "dimensions": [{"field": "day", "every": "month"}],
            "measures": [{"name": "people", "distinct": "customer"}],
        }
    )
    ann, bob = shop.put("customer", name="Ann"), shop.put("customer", name="Bob")
    shop.put("order", title="a", customer=ann, day="2026-01-05")
    shop.put("order", title="b", customer=bob, day="2026-01-31")
    shop.put("order", title="c", customer=ann, day="2026-02-01")

    result = shop.ask()

    assert [(row.cells[0].label, row.values["people"]) for row in result.rows] == [("2026-01", 2), ("2026-02", 1)]
    assert result.totals["people"] == 2


def test_months_in_which_nothing_happened_are_there(shop: Any) -> None:
    shop.define({"name": "r", "form": "order", "dimensions": [{"field": "day", "every": "month"}], "measures": [COUNT]})
    shop.put("order", title="a", day="2025-11-30")
    shop.put("order", title="b", day="2026-02-01")

    assert shop.table() == [["2025-11", 1], ["2025-12", 0], ["2026-01", 0], ["2026-02", 1]]


@pytest.mark.parametrize(
    ("every", "label", "key"),
    [
        ("day", "2027-01-01", "2027-01-01"),
        ("week", "2026-W53", "2026-12-28"),
        ("month", "2027-01", "2027-01-01"),
        ("quarter", "2027-Q1", "2027-01-01"),
        ("year", "2027", "2027-01-01"),
    ],
)
def test_a_moment_counts_on_its_day_in_the_apps_zone(
    shop: Any, new_year: Any, every: str, label: str, key: str
) -> None:
    shop.define({"name": "r", "form": "order", "dimensions": [{"field": "at", "every": every}], "measures": [COUNT]})
    shop.put("order", title="late", at=new_year.isoformat().replace("+00:00", "Z"))

    assert shop.table() == [[label, 1]]
    assert shop.behind(at=key) == ["late"]


def test_quarters_begin_in_their_first_month(shop: Any) -> None:
    shop.define(
        {"name": "r", "form": "order", "dimensions": [{"field": "day", "every": "quarter"}], "measures": [COUNT]}
    )
    for day in ("2026-01-01", "2026-03-31", "2026-04-01", "2026-12-31"):
        shop.put("order", title=day, day=day)

    assert shop.table() == [["2026-Q1", 2], ["2026-Q2", 1], ["2026-Q3", 0], ["2026-Q4", 1]]


def test_a_blank_group_is_named_and_found_again(shop: Any) -> None:
    shop.define({"name": "r", "form": "order", "dimensions": ["customer"], "measures": [COUNT]})
    ann = shop.put("customer", name="Ann")
    shop.put("order", title="with", customer=ann)
    shop.put("order", title="without")

    assert shop.table() == [["Ann", 1], ["(blank)", 1]]
    assert shop.behind(customer=None) == ["without"]
    assert shop.behind(customer=ann) == ["with"]


def test_a_measure_may_look_at_some_records_and_be_computed_from_others(shop: Any) -> None:
    shop.define(
        {
            "name": "r",
            "form": "order",
            "measures": [
                COUNT,
                {"name": "won", "count": True, "where": "stage == 'won'"},
                {"name": "share", "value": "won / orders", "percent": True},
            ],
        }
    )
    for stage in ("won", "won", "lost"):
        shop.put("order", title="x", stage=stage)

    assert shop.table() == [[3, 2, Decimal("0.6667")]]


def test_a_division_by_nothing_is_blank_and_no_error(shop: Any) -> None:
    shop.define({"name": "r", "form": "order", "measures": [COUNT, {"name": "share", "value": "1 / orders"}]})

    assert shop.table() == [[0, None]]


def test_a_viewer_counts_only_what_he_may_see(shop: Any) -> None:
    """
    order | freight | margin      the clerk sees orders below 50, and no margins
    a     | 10      | 4
    b     | 100     | 40
    """
    shop.define(
        {
            "name": "r",
            "form": "order",
            "dimensions": ["stage"],
            "measures": [
                COUNT,
                {"name": "money", "sum": "freight"},
                {"name": "gain", "sum": "margin"},
                {"name": "top", "max": "margin"},
            ],
        }
    )
    shop.put("order", title="a", freight=10, margin=4)
    shop.put("order", title="b", freight=100, margin=40)

    assert shop.table() == [["asked", 2, Decimal("110.00"), Decimal("44.00"), Decimal("40.00")]]
    assert shop.table(role="clerk") == [["asked", 1, Decimal("10.00"), 0, None]]
    assert shop.behind(role="clerk", stage="asked") == ["a"]


def test_a_customer_whom_the_viewer_may_not_read_has_no_region_and_no_name(shop: Any) -> None:
    shop.define(
        {"name": "r", "form": "order", "dimensions": ["customer.region"], "measures": [COUNT]},
        {"name": "by_customer", "form": "order", "dimensions": ["customer"], "measures": [COUNT]},
        {"name": "customers", "form": "customer", "measures": [COUNT]},
    )
    ann = shop.put("customer", name="Ann", region="north")
    shop.put("order", title="a", customer=ann, freight=1)

    assert shop.table(role="clerk") == [["(blank)", 1]]
    assert "Ann" not in str(shop.table("by_customer", role="clerk"))
    with pytest.raises(NotFound):
        shop.ask("customers", role="clerk")


def test_a_funnel_of_current_stages_keeps_their_order(shop: Any) -> None:
    chart = {"type": "funnel", "stages": ["asked", "offered", "won"]}
    shop.define(
        {
            "name": "r",
            "form": "order",
            "where": "stage != 'lost'",
            "dimensions": ["stage"],
            "measures": [COUNT],
            "chart": chart,
        }
    )
    for stage in ("won", "asked", "offered", "asked"):
        shop.put("order", title="x", stage=stage)

    assert shop.table() == [["asked", 2], ["offered", 1], ["won", 1]]


def test_a_funnel_of_reached_stages_counts_who_ever_came_there(shop: Any) -> None:
    """
    order | ever                      | now
    a     | asked                     | asked
    b     | asked, offered, lost      | lost        lost as it is, it was offered
    c     | asked, won                | won         nobody comes to won but over offered
    d     | asked, offered, asked     | asked       going back does not undo it
    """
    chart = {"type": "funnel", "reached": True, "stages": ["asked", "offered", "won"]}
    shop.define(
        {
            "name": "r",
            "form": "order",
            "dimensions": ["stage"],
            "measures": [COUNT, {"name": "money", "sum": "freight"}],
            "chart": chart,
        }
    )
    for title, stages in {"a": [], "b": ["offered", "lost"], "c": ["won"], "d": ["offered", "asked"]}.items():
        order = shop.put("order", title=title, freight=1)
        for stage in stages:
            shop.change("order", order, stage=stage)

    assert shop.table() == [["asked", 4, Decimal(4)], ["offered", 3, Decimal(3)], ["won", 1, Decimal(1)]]


def test_a_parameter_narrows_the_report_only_when_something_is_chosen(shop: Any) -> None:
    shop.define(
        {
            "name": "r",
            "form": "order",
            "parameters": [{"name": "since", "type": "date", "where": "day >= since"}],
            "measures": [COUNT],
        }
    )
    shop.put("order", title="a", day="2026-01-05")
    shop.put("order", title="b", day="2026-02-05")

    assert shop.table() == [[2]]
    assert shop.table(since="2026-02-01") == [[1]]
    with pytest.raises(Invalid):
        shop.table(since="soon")


@pytest.mark.parametrize(
    ("report", "path"),
    [
        ({"dimensions": ["nothing"]}, "/reports/0/dimensions/0"),
        ({"dimensions": [{"field": "title", "every": "month"}]}, "/reports/0/dimensions/0/every"),
        ({"measures": [{"name": "m", "sum": "title"}]}, "/reports/0/measures/0/sum"),
        ({"measures": [{"name": "m", "sum": "freight", "avg": "freight"}]}, "/reports/0/measures/0"),
        ({"dimensions": ["stage"], "chart": {"type": "number"}}, "/reports/0/dimensions"),
        ({"dimensions": ["day"], "chart": {"type": "funnel", "reached": True}}, "/reports/0/chart/reached"),
        ({"rows": "title"}, "/reports/0/rows"),
    ],
)
def test_a_report_that_cannot_be_is_refused_with_its_place(shop: Any, report: Any, path: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        shop.define({"name": "r", "form": "order", "measures": [COUNT], **report})

    assert path in {str(problem.path) for problem in refused.value.problems}
