"""A box that a person empties stays empty, though a default would fill it."""

import re

from tests.browser.conftest import Opener


def test_an_emptied_price_stays_empty_and_an_untouched_one_is_filled(screen: Opener, site) -> None:
    site.save("admin", "product", {"code": "EC-1", "name": "Emptied cup", "price": 12.5})
    customer = site.save("admin", "customer", {"name": "Emptied customer"})
    opened = screen()
    opened.go(f"/apps/crm/forms/contract/new?customer={customer}")
    for _ in range(2):
        opened.page.locator(".add-row").first.click()
    rows = opened.page.locator("tbody tr[data-row]")
    for at in range(2):
        box = rows.nth(at).locator("[role=combobox]").first
        box.fill("Emptied cup")
        rows.nth(at).locator("[role=option]", has_text="Emptied cup").first.click()
    price = rows.nth(1).locator("[name$='.price']")
    opened.page.wait_for_function("box => box.value !== ''", arg=price.element_handle())

    assert [rows.nth(at).locator("[name$='.price']").input_value() for at in range(2)] == ["12.5", "12.5"]
    price.fill("")
    opened.page.locator("#fld-total").fill("80")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(r"/contract/\d+$"))

    contract = int(opened.page.url.rsplit("/", 1)[1])
    assert _prices(site, contract) == [12.5, None]


def _prices(site, contract: int) -> list[float | None]:
    from runtime import records

    with site.acting("admin") as tx:
        app = site.services.apps.live(tx, "crm")
        form = app.form("contract")
        rows = next(each for each in form.subforms if "price" in each.subform.field_ids)
        column = rows.subform.field_ids["price"]
        stored = records.load(tx, app, "contract", contract)[rows.id]
        return [None if row[column] is None else float(row[column]) for row in stored]
