"""Lists: filtered by expressions, sorted, searched and paged, never beyond what the asker may see."""

from decimal import Decimal
from typing import Any

import pytest

from metadata.problems import Invalid, LimitExceeded, NotFound


@pytest.fixture
def filled(office: Any) -> Any:
    for number in range(7):
        customer = office.create("dora", "customer", name=f"Customer {number}", level="ABC"[number % 3])
        office.create(
            "dora",
            "deal",
            title=f"deal {number}" if number else None,
            customer=str(customer.id),
            margin=number / 4,
            due=f"2026-1{number % 3}-01",
            items=[{"what": "x", "price": number}],
        )
    return office


def titles(page: Any) -> list[Any]:
    return [each.values["f_title"] for each in page.items]


def test_a_filter_is_an_expression(filled: Any) -> None:
    page = filled.list("dora", "deal", filter="margin > 0.5 and customer.level != 'B'", sort="title")
    assert titles(page) == ["deal 3", "deal 5", "deal 6"]


def test_lookups_formulas_and_rows_filter_too(filled: Any) -> None:
    page = filled.list(
        "dora", "deal", filter="customer_level == 'A' and any(i.price >= 3 for i in items)", sort="title"
    )
    assert titles(page) == ["deal 3", "deal 6"]
    page = filled.list("dora", "deal", filter="total == 4")
    assert titles(page) == ["deal 4"]


def test_a_blank_sorts_as_less_than_any_value(filled: Any) -> None:
    assert titles(filled.list("dora", "deal", sort="title"))[0] is None
    assert titles(filled.list("dora", "deal", sort="-title"))[-1] is None
    assert titles(filled.list("dora", "deal", sort="-total"))[0] == "deal 6"


def test_sorting_follows_links(filled: Any) -> None:
    page = filled.list("dora", "deal", sort="-customer.name", fields=("title", "customer.name"))
    assert [each.values["f_customer.f_name"] for each in page.items][:2] == ["Customer 6", "Customer 5"]


def test_pages_and_cursors_give_every_record_once(filled: Any) -> None:
    for sort in ("title", "-title", "customer_level,-due", "-margin,title", ""):
        whole = [each.id for each in filled.list("dora", "deal", sort=sort).items]
        seen, cursor = [], ""
        while True:
            page = filled.list("dora", "deal", sort=sort, size=2, cursor=cursor)
            seen += [each.id for each in page.items]
            if not page.has_more:
                break
            cursor = page.cursor
        assert seen == whole
        paged = [
            each.id
            for number in range(1, 5)
            for each in filled.list("dora", "deal", sort=sort, size=2, page=number).items
        ]
        assert paged == whole


@pytest.mark.parametrize("sort", ["title", "-title", "due,-title", "-due,title"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_cursor_at_the_border_of_the_blanks_neither_skips_nor_repeats(filled: Any, sort: str, size: int) -> None:
    for number in range(3):
        filled.create("dora", "deal", title=None, due=None if number else "2026-10-01")
    whole = [each.id for each in filled.list("dora", "deal", sort=sort).items]
    seen, cursor, has_more = [], "", True

    while has_more:
        page = filled.list("dora", "deal", sort=sort, size=size, cursor=cursor)
        seen += [each.id for each in page.items]
        cursor, has_more = page.cursor, page.has_more

    assert len(whole) == 10
    assert seen == whole


def test_totals_are_counted_as_asked(filled: Any) -> None:
    assert (filled.list("dora", "deal", size=3).total, filled.list("dora", "deal", size=3).has_more) == (7, True)
    assert filled.list("dora", "deal", size=3, page=2).total == 7
    assert filled.list("dora", "deal", size=3, count="none").total is None
    assert filled.list("dora", "deal", size=3, count="exact", filter="margin > 0.5").total == 4


def test_search_finds_words_in_readable_text(filled: Any) -> None:
    assert titles(filled.list("dora", "deal", search="DEAL d2026-0004")) == ["deal 3"]
    assert titles(filled.list("dora", "deal", search="D2026-0002")) == ["deal 1"]
    assert titles(filled.list("dora", "deal", search="100%")) == []


def test_labels_say_what_links_and_people_are_called(filled: Any) -> None:
    deal = filled.list("dora", "deal", sort="title").items[1]
    assert deal.labels["f_customer"] == "Customer 1"
    assert deal.labels["owner"] == "dora"


def test_links_are_expanded_through_the_masks(filled: Any) -> None:
    customer = filled.create("sven", "customer", name="Mine", level="B")
    filled.create("sven", "deal", title="mine", customer=str(customer.id))
    (deal,) = filled.list("sven", "deal", expand=("customer",)).items
    seen = filled.named("customer", deal.expanded["f_customer"].values)
    assert (seen["name"], seen["level"]) == ("Mine", "B")
    assert "secret" not in seen
    (managed,) = filled.list("mia", "deal", expand=("customer",)).items
    assert set(filled.named("customer", managed.expanded["f_customer"].values)) >= {"name", "deals"}
    assert "level" not in filled.named("customer", managed.expanded["f_customer"].values)


def test_hidden_and_missing_names_get_one_answer(filled: Any) -> None:
    for place, query in (
        ("filter", {"filter": "secret == 'x'"}),
        ("filter", {"filter": "no_such == 'x'"}),
        ("sort", {"sort": "secret"}),
        ("sort", {"sort": "-no_such"}),
        ("fields", {"fields": ("secret",)}),
        ("expand", {"expand": ("secret",)}),
    ):
        with pytest.raises(Invalid) as refused:
            filled.list("sven", "customer", **query)
        assert refused.value.problems[0].code == "unknown_field"
        assert refused.value.problems[0].path.parts[0] == place


def test_limits_are_said(filled: Any) -> None:
    for query in (
        {"size": 0},
        {"size": 201},
        {"page": 0},
        {"page": 201, "size": 50},
        {"sort": "title,total,margin,due,state,note"},
        {"search": "a " * 9},
        {"search": "a" * 201},
        {"expand": ("customer",) * 11},
    ):
        with pytest.raises(LimitExceeded) as refused:
            filled.list("dora", "deal", **query)
        assert refused.value.problems[0].limit is not None


def test_a_foreign_cursor_is_refused(filled: Any) -> None:
    for cursor in ("x", "WzFd", "W10", "bnVsbA", "WyJhIiwiYiJd", "é", "WzFlOTk5LDFd"):
        with pytest.raises(Invalid) as refused:
            filled.list("dora", "deal", sort="title", cursor=cursor)
        assert refused.value.code == "bad_cursor"


def test_forms_without_any_right_do_not_exist(filled: Any) -> None:
    for name, form in (("nobody", "deal"), ("sven", "visit"), ("dora", "f_items")):
        with pytest.raises(NotFound):
            filled.list(name, form)


def test_a_picker_offers_what_one_may_see(filled: Any) -> None:
    from runtime import reading

    filled.create("sven", "customer", name="Mine", level="B")
    with filled.reading("sven") as tx:
        assert [label for _, label in reading.pick(tx, filled.app, "customer", "mine")] == ["Mine"]
        assert {label for _, label in reading.pick(tx, filled.app, "customer", "customer")} == {
            "Customer 0",
            "Customer 3",
            "Customer 6",
        }


def test_numbers_are_exact(filled: Any) -> None:
    (deal,) = filled.list("dora", "deal", filter="margin == 0.25").items
    assert deal.values["f_margin"] == Decimal("0.25")
    assert deal.values["f_gain"] == Decimal("0.25")
