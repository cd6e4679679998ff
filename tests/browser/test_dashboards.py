"""Dashboards: figures, funnels, tables and charts lead to the records behind them; a filter redraws all of them."""

import re

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener

SALES = "/apps/crm/dashboards/sales"


@pytest.fixture(scope="module", autouse=True)
def some_deals(site) -> None:
    customer = site.save("seller", "customer", {"name": "Figures Ltd", "source": "fair", "industry": "software"})
    for name, stage in (("First", "first_contact"), ("Second", "needs"), ("Third", "needs"), ("Fourth", "proposal")):
        values = {"name": name, "customer": str(customer), "amount": 120_000, "stage": stage}
        site.save("seller", "opportunity", values)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_a_dashboard_is_calm_and_accessible(screen: Opener, width: int, language: str, theme: str) -> None:
    opened = screen("sales_director", width, language, theme)

    opened.go(SALES)

    assert opened.page.locator("ff-chart canvas").count() >= 1
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_figure_a_funnel_row_and_a_table_row_lead_to_their_records(screen: Opener, width: int) -> None:
    opened = screen("sales_director", width)
    opened.go(SALES)

    for place in ("a.figure", ".funnel a:has-text('Needs')", ".report-table tbody a:visible"):
        opened.page.locator(place).first.click()
        opened.page.locator("#drawer tbody tr").first.wait_for()
        opened.require_calm()
        opened.page.locator("#drawer [data-close]").click()
        opened.page.locator("#drawer").wait_for(state="hidden")


def test_the_drawer_is_accessible_and_leads_to_a_record(screen: Opener) -> None:
    opened = screen("sales_director", theme="dark")
    opened.go(SALES)

    opened.page.locator(".funnel a", has_text="Needs").first.click()
    opened.page.locator("#drawer tbody tr").first.wait_for()
    opened.require_accessible()
    opened.page.locator("#drawer tbody a").first.click()
    opened.page.wait_for_url(re.compile(r"/forms/opportunity/\d+$"))

    opened.require_calm()


def test_a_filter_redraws_the_dashboard_and_stays_in_the_address(screen: Opener) -> None:
    opened = screen("sales_director")
    opened.go(SALES)

    box = opened.page.locator(".dashboard-filters [role=combobox]").first
    box.click()
    box.press_sequentially("王海涛")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url(re.compile(r"seller=\d+"))
    opened.settled()

    assert opened.page.locator(".dashboard-filters [role=combobox]").first.input_value() == "王海涛"
    assert opened.page.get_by_role("link", name="Clear").is_visible()
    opened.require_calm()
    opened.require_accessible()


def test_a_report_has_a_page_of_its_own(screen: Opener) -> None:
    opened = screen("sales_director", language="zh")

    opened.go("/apps/crm/reports/leaderboard")

    assert opened.page.locator(".report-table tbody tr").count() >= 1
    opened.require_calm()
    opened.require_accessible()
