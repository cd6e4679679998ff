"""A form that is sent again: the answer was lost, or somebody went back."""

import re

from tests.browser.conftest import DESKTOP, PHONE, Opener, Screen

CUSTOMERS = "/apps/crm/forms/customer"


def test_a_save_whose_answer_was_lost_makes_one_record(screen: Opener, site) -> None:
    opened = _saved_without_an_answer(screen, "Lost and found", DESKTOP)

    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))

    assert _called(site, "Lost and found") == 1


def test_who_changes_what_was_saved_is_asked_which_record_is_meant(screen: Opener, site) -> None:
    opened = _saved_without_an_answer(screen, "First name", PHONE)

    opened.page.locator("#fld-name").fill("Second name")
    opened.page.get_by_role("button", name="Save").click()
    dialog = opened.page.locator("dialog[open]")
    dialog.wait_for()
    assert "It was saved as “First name”" in dialog.inner_text()
    assert dialog.get_by_role("link", name="Open what was saved").is_visible()
    opened.require_accessible()
    dialog.get_by_role("button", name="Save as another record").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))

    assert [_called(site, "First name"), _called(site, "Second name")] == [1, 1]


def test_back_and_save_again_begins_a_new_record(screen: Opener, site) -> None:
    opened = screen()
    opened.go(f"{CUSTOMERS}/new")
    opened.page.locator("#fld-name").fill("Went back")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))

    opened.page.go_back()
    opened.settled()
    opened.page.get_by_role("button", name="Save").click()
    opened.page.locator(".error-summary").wait_for()

    assert opened.page.locator("#fld-name").input_value() == ""
    assert _called(site, "Went back") == 1


def _saved_without_an_answer(screen: Opener, name: str, width: int) -> Screen:
    """A new customer that reached the server; the answer did not come back."""
    opened = screen(width=width)
    opened.go(f"{CUSTOMERS}/new")
    opened.page.locator("#fld-name").fill(name)

    def lose(route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    opened.page.route("**/customer/new", lose)
    opened.page.get_by_role("button", name="Save").click()
    opened.page.get_by_text("The server cannot be reached").wait_for()
    opened.page.unroute("**/customer/new")
    return opened


def _called(site, name: str) -> int:
    from runtime import reading
    from runtime.reading import ListQuery

    with site.acting("admin") as tx:
        app = site.services.apps.live(tx, "crm")
        return len(reading.ids_matching(tx, app, app.form("customer").id, ListQuery(filter=f'name == "{name}"'), 10))
