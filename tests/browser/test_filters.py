"""The filter builder: people, departments and records are chosen by name, and the address keeps the expression."""

import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener, Screen

DEALS = "/apps/crm/forms/opportunity"


@pytest.fixture(scope="module")
def deals(site: Any) -> tuple[int, int]:
    """Two customers with two deals each."""
    first, second = (site.save("seller", "customer", {"name": f"Filtered {name}"}) for name in ("one", "two"))
    for customer in (first, second):
        for amount in (500, 1500):
            values = {"name": "Deal of many", "customer": str(customer), "amount": amount, "close_date": "2031-12-01"}
            site.save("seller", "opportunity", values)
    return first, second


def open_builder(opened: Screen) -> None:
    opened.page.locator("ff-menu", has=opened.page.locator("#filter-box")).locator("button").first.click()
    opened.page.locator("#filter-box").wait_for()


def add_row(opened: Screen, place: int, field: str) -> Any:
    opened.page.locator(".filter-foot button").click()
    row = opened.page.locator(".filter-row").nth(place)
    row.locator("select").first.select_option(field)
    return row


def choose(opened: Screen, row: Any, typed: str, label: str) -> None:
    """Pick by keyboard alone: type, wait for the list, press Enter."""
    box = row.locator("[role=combobox]")
    box.focus()
    box.press_sequentially(typed)
    row.locator("[role=option]", has_text=label).wait_for()
    box.press("Enter")
    row.locator(".token", has_text=label).wait_for()


def expression(opened: Screen) -> str:
    return parse_qs(urlsplit(opened.page.url).query)["filter"][0]


@pytest.mark.parametrize(("width", "language", "me"), [(DESKTOP, "en", "Myself"), (PHONE, "zh", "我")])
def test_people_and_records_are_chosen_by_name_and_stay_in_the_address(
    screen: Opener, deals: tuple[int, int], width: int, language: str, me: str
) -> None:
    opened = screen("seller", width=width, language=language)
    opened.go(DEALS)
    open_builder(opened)

    choose(opened, add_row(opened, 0, "owner"), me, me)
    opened.page.wait_for_url(re.compile("filter=owner"))
    choose(opened, add_row(opened, 1, "customer"), "filtered one", "Filtered one")
    opened.page.wait_for_url(re.compile("customer"))

    assert expression(opened) == f'owner == user and customer in ["{deals[0]}"]'
    assert opened.page.locator("#filter-box").is_visible()
    opened.page.reload()
    opened.settled()
    assert opened.page.locator("#records tbody tr").count() == 2
    open_builder(opened)
    assert [
        each.strip() for each in opened.page.locator(".filter-row .token > span:not(.avatar)").all_inner_texts()
    ] == [
        me,
        "Filtered one",
    ]
    opened.page.locator(".token button").nth(1).click()
    opened.page.wait_for_url(lambda url: "customer" not in url)
    opened.require_calm()


def test_a_range_of_dates_is_a_row_again_after_a_reload(screen: Opener, deals: tuple[int, int]) -> None:
    opened = screen("seller")
    opened.go(DEALS)
    open_builder(opened)

    row = add_row(opened, 0, "close_date")
    row.locator("option[value=next_7]").wait_for(state="attached")
    row.locator("select").nth(1).select_option("between")
    row.locator(".filter-value input").nth(1).wait_for()
    row.locator(".filter-value input").nth(0).fill("2031-11-01")
    row.locator(".filter-value input").nth(1).fill("2031-12-31")
    opened.page.keyboard.press("Tab")
    opened.page.wait_for_url(re.compile("2031-12-31"))
    opened.page.reload()
    open_builder(opened)

    assert opened.page.locator(".filter-row").count() == 1
    assert opened.page.locator(".filter-value input").nth(1).input_value() == "2031-12-31"
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_what_the_builder_cannot_show_stays_text_to_be_edited(
    screen: Opener, deals: tuple[int, int], width: int
) -> None:
    opened = screen("seller", width=width)
    typed = f'customer == "{deals[0]}" and (amount > 1000 or days_since(created_at) > 7)'
    opened.go(f"{DEALS}?filter={quote(typed)}")

    assert opened.page.locator("#records tbody tr").count() == 1
    open_builder(opened)
    text = opened.page.locator("textarea[name=filter]")
    assert text.input_value() == "amount > 1000 or days_since(created_at) > 7"
    assert opened.page.locator(".token", has_text="Filtered one").count() == 1
    assert "Customer is “Filtered one”" in opened.page.locator(".filter-said summary").inner_text()
    text.fill("amount > 100 or days_since(created_at) > 7")
    text.press("Tab")
    opened.page.wait_for_url(re.compile("amount\\+%3E\\+100\\+"))
    assert opened.page.locator("#records tbody tr").count() == 2
    text.fill("amount >")
    text.press("Tab")
    opened.page.locator("#records [role=alert]").wait_for()
    assert text.input_value() == "amount >"
    opened.require_calm()
