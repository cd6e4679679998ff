"""The screens of records: list, view, form; what they do when a save is refused, stale, or fine."""

import re

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener, Screen, playwright

CUSTOMERS = "/apps/crm/forms/customer"


@pytest.fixture(scope="module", autouse=True)
def some_customers(site) -> list[int]:
    return [site.save("admin", "customer", {"name": name}) for name in ("Acme Robotics", "杭州云启科技", "Nordwind")]


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
@pytest.mark.parametrize(
    "path", ["/", CUSTOMERS, f"{CUSTOMERS}/new", f"{CUSTOMERS}/trash", "/account", "/admin/members"]
)
def test_every_screen_is_calm_and_accessible(screen: Opener, path: str, width: int, language: str) -> None:
    opened = screen(width=width, language=language)

    opened.go(path)

    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize("path", ["/", CUSTOMERS, f"{CUSTOMERS}/new", "/admin/departments", "/admin/roles"])
def test_the_dark_theme_is_readable(screen: Opener, path: str) -> None:
    opened = screen(theme="dark")

    opened.go(path)

    opened.require_calm()
    opened.require_accessible()


def test_a_customer_is_created_and_shown(screen: Opener) -> None:
    opened = screen()
    opened.go(CUSTOMERS)

    opened.page.get_by_role("link", name=re.compile("^New")).first.click()
    opened.settled()
    opened.page.locator("#fld-name").fill("Bluepeak Software")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))

    assert opened.page.get_by_role("heading", name="Bluepeak Software").is_visible()
    assert opened.page.locator(".toast").inner_text() == "Created"
    opened.require_calm()


def test_a_missing_name_is_said_at_the_field_and_typing_survives(screen: Opener) -> None:
    opened = screen()
    opened.go(f"{CUSTOMERS}/new")

    phone = opened.page.locator("input[type=tel]").first
    phone.fill("13800138000")
    opened.page.get_by_role("button", name="Save").click()

    summary = opened.page.locator(".error-summary")
    summary.wait_for()
    assert "Customer name: " in summary.inner_text()
    assert opened.page.evaluate("document.activeElement.id") == "error-summary"
    assert opened.page.locator("[aria-invalid=true]").count() == 1
    assert phone.input_value() == "13800138000"
    opened.require_accessible()


def test_two_people_who_save_the_same_record_are_asked(screen: Opener, site) -> None:
    id = site.save("admin", "customer", {"name": "Two editors"})
    mine, theirs = _editing(screen, id), _editing(screen, id)
    _name(theirs).fill("Their name")
    theirs.page.get_by_role("button", name="Save").click()
    theirs.page.wait_for_url(re.compile(r"/\d+$"))

    _name(mine).fill("My name")
    mine.page.get_by_role("button", name="Save").click()
    dialog = mine.page.get_by_role("dialog")
    dialog.wait_for()
    assert "Their name" in dialog.inner_text()
    dialog.get_by_label("My name").check()
    dialog.get_by_role("button", name="Save the chosen values").click()
    mine.page.wait_for_url(re.compile(rf"{CUSTOMERS}/{id}$"))

    assert mine.page.get_by_role("heading", name="My name").is_visible()


def test_rows_that_two_people_changed_are_compared_cell_by_cell_and_none_is_lost(screen: Opener, site) -> None:
    product = {name: site.save("admin", "product", {"code": name, "name": name, "price": 10}) for name in "ABCD"}
    id = _contract(site, "Rows of two")
    rows = [{"product": str(product[name]), "quantity": 1, "price": 10} for name in "ABC"]
    _change(site, id, {"lines": rows})
    mine, theirs = screen(), screen("seller")
    mine.go(f"/apps/crm/forms/contract/{id}/edit")
    theirs.go(f"/apps/crm/forms/contract/{id}/edit")

    _cell(theirs, 0, "quantity").fill("5")
    _delete_row(theirs, 1)
    _add_row(theirs, "D", "7")
    theirs.page.get_by_role("button", name="Save").click()
    theirs.page.wait_for_url(re.compile(r"/contract/\d+$"))
    _cell(mine, 0, "price").fill("12")
    _cell(mine, 2, "quantity").fill("9")
    _add_row(mine, "A", "3")
    mine.page.locator("#fld-cost").fill("77")
    mine.page.get_by_role("button", name="Save").click()
    dialog = mine.page.get_by_role("dialog")
    dialog.wait_for()

    chosen = [each.get_attribute("value") for each in dialog.locator("input:checked").all()]
    said = [each.inner_text().split("\t") for each in dialog.locator("tbody tr").all()]
    assert [each[0].strip() for each in said][:2] == ["Cost", "Products · row 1 · Quantity"]
    assert len(said) == len(chosen) == 7
    assert "No such row" in dialog.inner_text()
    mine.require_accessible()
    dialog.get_by_role("button", name="Save the chosen values").click()
    mine.page.wait_for_url(re.compile(rf"/contract/{id}$"))

    lines = [(each["product"], each["quantity"], each["price"]) for each in _lines(site, id)]
    assert lines == [
        (product["A"], 5, 12),
        (product["C"], 9, 10),
        (product["A"], 3, 10),
        (product["D"], 7, 10),
    ]


def test_a_merge_that_is_refused_loses_neither_side(screen: Opener, site) -> None:
    id = site.save("admin", "customer", {"name": "Merged badly", "wechat": "old"})
    mine, theirs = _editing(screen, id), _editing(screen, id)
    theirs.page.locator("[name=wechat]").fill("theirs")
    theirs.page.get_by_role("button", name="Save").click()
    theirs.page.wait_for_url(re.compile(r"/\d+$"))
    _name(mine).fill("")
    mine.page.get_by_role("button", name="Save").click()
    dialog = mine.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save the chosen values").click()
    mine.page.locator(".error-summary").wait_for()
    assert not dialog.is_visible()

    _name(mine).fill("Merged well")
    mine.page.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Save the chosen values").click()
    mine.page.wait_for_url(re.compile(rf"{CUSTOMERS}/{id}$"))

    shown = mine.page.inner_text("main")
    assert "Merged well" in shown
    assert "theirs" in shown


def _cell(opened: Screen, row: int, column: str):
    return opened.page.locator("ff-subform[data-name=lines] tbody tr").nth(row).locator(f"input[name$='.{column}']")


def _delete_row(opened: Screen, row: int) -> None:
    opened.page.locator("ff-subform[data-name=lines] tbody tr").nth(row).get_by_role("button").last.click()


def _add_row(opened: Screen, product: str, quantity: str) -> None:
    opened.page.locator("ff-subform[data-name=lines]").get_by_role("button", name="Add row").click()
    _choose(opened, "ff-subform[data-name=lines] [role=combobox]", product)
    opened.page.locator("ff-subform[data-name=lines] input[name$='.quantity']").last.fill(quantity)
    playwright.expect(opened.page.locator("ff-subform[data-name=lines] input[name$='.price']").last).to_have_value("10")


def _change(site, id: int, values: dict) -> None:
    from runtime import records

    with site.acting("admin") as tx:
        records.save(tx, site.services.apps.live(tx, "crm"), "contract", id, values, check_version=False)


def _lines(site, id: int) -> list[dict]:
    from runtime import records

    with site.acting("admin") as tx:
        app = site.services.apps.live(tx, "crm")
        form = app.form("contract")
        names = {each.id: each.name for each in form.field("lines").subform.fields.values()}
        rows = records.load(tx, app, "contract", id)[form.field("lines").id]
        return [{names.get(key, key): value for key, value in row.items()} for row in rows]


def test_the_list_searches_as_one_types_and_keeps_it_in_the_address(screen: Opener) -> None:
    opened = screen()
    opened.go(CUSTOMERS)

    opened.page.get_by_role("searchbox").press_sequentially("云启")
    opened.page.wait_for_url(re.compile("q="))

    assert opened.page.locator("#records tbody tr").count() == 1
    assert opened.page.evaluate("document.activeElement.name") == "q"
    opened.page.reload()
    assert opened.page.locator("#records tbody tr").count() == 1
    opened.require_calm()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_filter_builder_narrows_the_list(screen: Opener, width: int) -> None:
    opened = screen(width=width)
    opened.go(CUSTOMERS)

    opened.page.get_by_role("button", name="Filter").click()
    opened.page.get_by_role("button", name="Add condition").click()
    row = opened.page.locator(".filter-row")
    row.locator("select").first.select_option("level")
    row.get_by_role("checkbox").first.wait_for()
    row.locator("select").first.select_option("name")
    row.locator("input[type=text]").press_sequentially("acme")
    opened.page.keyboard.press("Tab")
    opened.page.wait_for_url(re.compile("filter=CONTAINS.*acme"))

    assert opened.page.locator("#records tbody tr").count() == 1
    assert opened.page.locator("#filter-box").is_visible()
    opened.require_calm()


def test_a_deleted_record_comes_back_from_the_trash(screen: Opener, site) -> None:
    id = site.save("admin", "customer", {"name": "Gone and back"})
    opened = screen()
    opened.go(f"{CUSTOMERS}/{id}")

    opened.page.get_by_role("main").get_by_role("button", name="More").click()
    opened.page.get_by_role("menuitem", name="Move to the trash").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}$"))
    opened.go(f"{CUSTOMERS}/trash")
    opened.page.get_by_role("row", name="Gone and back").get_by_role("button", name="Restore").click()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/{id}$"))

    assert opened.page.get_by_role("heading", name="Gone and back").is_visible()


def test_formulas_of_rows_are_worked_out_while_typing(screen: Opener) -> None:
    opened = screen()
    opened.go("/apps/crm/forms/contract/new")

    rows = opened.page.locator("ff-subform[data-name=lines]")
    rows.get_by_role("button", name="Add row").click()
    rows.locator("td[data-field] input[name$='.quantity']").fill("3")
    rows.locator("td[data-field] input[name$='.price']").fill("1200.5")

    assert "3,601.50" in rows.locator("tbody output").first.inner_text()
    assert "3,601.50" in rows.locator("tfoot").inner_text()
    opened.require_calm()


def test_what_a_chosen_record_tells_shows_at_once(screen: Opener, site) -> None:
    site.save("admin", "customer", {"name": "Level headed", "level": "a"})
    opened = screen()
    opened.go("/apps/crm/forms/opportunity/new")
    level = opened.page.locator("#fld-customer_level")
    assert level.inner_text() == "—"

    _choose(opened, "#fld-customer", "Level headed")

    playwright.expect(level).to_have_text(_title(site, "customer", "level", "a"))
    opened.require_calm()


def test_values_copied_on_linking_are_filled_in_and_give_way_to_typing(screen: Opener, site) -> None:
    customer = site.save("admin", "customer", {"name": "Copied Ltd"})
    site.save("admin", "opportunity", {"name": "Copied deal", "customer": str(customer), "amount": 64_000.5})
    site.save("admin", "product", {"code": "CP-1", "name": "Copied product", "price": 1250})
    opened = screen()
    opened.go("/apps/crm/forms/contract/new")

    _choose(opened, "#fld-opportunity", "Copied deal")
    playwright.expect(opened.page.locator("#fld-customer")).to_have_value("Copied Ltd")
    playwright.expect(opened.page.locator("#fld-total")).to_have_value("64000.5")
    rows = opened.page.locator("ff-subform[data-name=lines]")
    rows.get_by_role("button", name="Add row").click()
    rows.locator("input[name$='.quantity']").fill("4")
    _choose(opened, "ff-subform[data-name=lines] [role=combobox]", "Copied product")
    price = rows.locator("input[name$='.price']")
    playwright.expect(price).to_have_value("1250")
    assert "5,000.00" in rows.locator("tbody output").first.inner_text()
    assert "5,000.00" in rows.locator("tfoot").inner_text()
    price.fill("1000")
    assert "4,000.00" in rows.locator("tbody output").first.inner_text()
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(r"/contract/\d+$"))

    shown = opened.page.inner_text("main")
    assert "64,000.50" in shown
    assert "4,000.00" in shown
    opened.require_calm()


def test_an_amount_that_was_not_typed_is_copied_on_saving_too(screen: Opener, site) -> None:
    customer = site.save("admin", "customer", {"name": "Quiet Ltd"})
    deal = site.save("admin", "opportunity", {"name": "Quiet deal", "customer": str(customer), "amount": 4321})
    opened = screen()
    opened.go(f"/apps/crm/forms/contract/new?opportunity={deal}")

    playwright.expect(opened.page.locator("#fld-customer")).to_have_value("Quiet Ltd")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(r"/contract/\d+$"))

    assert "4,321.00" in opened.page.inner_text("main")


def _choose(opened: Screen, box: str, name: str) -> None:
    found = opened.page.locator(box).last
    found.click()
    found.press_sequentially(name)
    opened.page.get_by_role("option", name=name, exact=True).wait_for()
    opened.page.keyboard.press("Enter")


def _title(site, form: str, field: str, value: str) -> str:
    from metadata.text import say

    with site.acting("admin") as tx:
        return say(site.services.apps.live(tx, "crm").form(form).field(field).choices[value].title, "en")


def test_pressing_save_twice_makes_one_record(screen: Opener, site) -> None:
    opened = screen()
    opened.go(f"{CUSTOMERS}/new")
    opened.page.locator("#fld-name").fill("Pressed twice")

    opened.page.get_by_role("button", name="Save").dblclick()
    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))

    opened.go(f"{CUSTOMERS}?q=Pressed+twice")
    assert opened.page.locator("#records tbody tr").count() == 1
    opened.require_calm()


def test_the_keys_that_save_a_file_save_the_record(screen: Opener) -> None:
    opened = screen()
    opened.go(f"{CUSTOMERS}/new")
    opened.page.locator("#fld-name").press_sequentially("Saved by keys")

    opened.page.keyboard.press("Control+s")

    opened.page.wait_for_url(re.compile(rf"{CUSTOMERS}/\d+$"))


def test_a_line_of_the_error_summary_leads_into_its_control(screen: Opener) -> None:
    opened = screen()
    opened.go("/apps/crm/forms/contract/new")
    rows = opened.page.locator("ff-subform[data-name=lines]")
    rows.get_by_role("button", name="Add row").click()
    rows.locator("input[name$='.quantity']").fill("many")
    opened.page.get_by_role("button", name="Save").click()

    opened.page.locator(".error-summary a", has_text="Quantity").click()

    assert opened.page.evaluate("document.activeElement.name").endswith(".quantity")
    opened.page.locator(".error-summary a", has_text="Customer").first.click()
    assert opened.page.evaluate("document.activeElement.id") == "fld-customer"


def test_a_stranger_is_led_to_the_sign_in_page_and_back(screen: Opener) -> None:
    opened = screen(person=None, language="zh")

    opened.go(CUSTOMERS)

    assert "/sign-in?next=" in opened.page.url
    opened.require_accessible()


def _editing(screen: Opener, id: int) -> Screen:
    opened = screen()
    opened.go(f"{CUSTOMERS}/{id}/edit")
    return opened


def _name(opened: Screen):
    return opened.page.locator("#fld-name")


def test_wrong_rows_are_said_back_with_their_problems(screen: Opener) -> None:
    opened = screen()
    opened.go("/apps/crm/forms/contract/new")

    rows = opened.page.locator("ff-subform[data-name=lines]")
    rows.get_by_role("button", name="Add row").click()
    rows.locator("td[data-field] input[name$='.quantity']").fill("many")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.locator(".error-summary").wait_for()

    assert rows.locator("tbody tr").count() == 1
    assert rows.locator("td[data-field] input[name$='.quantity']").input_value() == "many"
    assert rows.locator("[aria-invalid=true]").count() >= 1
    opened.require_accessible()


def test_a_file_is_kept_with_the_record(screen: Opener, site, tmp_path) -> None:
    customer = site.save("admin", "customer", {"name": "With files"})
    contract = site.save("admin", "contract", {"customer": str(customer), "total": 100})
    (tmp_path / "offer.txt").write_text("our offer")
    opened = screen()
    opened.go(f"/apps/crm/forms/contract/{contract}/edit")

    opened.page.locator("input[type=file]").set_input_files(str(tmp_path / "offer.txt"))
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(rf"/{contract}$"))

    assert opened.page.get_by_role("link", name="offer.txt").is_visible()


def test_a_link_is_chosen_by_searching(screen: Opener, site) -> None:
    site.save("admin", "customer", {"name": "Findable Ltd"})
    opened = screen(width=PHONE)
    opened.go("/apps/crm/forms/contract/new")

    box = opened.page.locator("#fld-customer")
    box.click()
    box.press_sequentially("findab")
    opened.page.get_by_role("option", name="Findable Ltd").wait_for()
    opened.page.keyboard.press("Enter")

    playwright.expect(box).to_have_value("Findable Ltd")
    assert opened.page.locator("input[name=customer]").input_value().isdigit()
    opened.require_calm()


def test_a_field_shows_when_its_condition_holds(screen: Opener) -> None:
    opened = screen()
    opened.go("/apps/crm/forms/contract/new")
    terms = opened.page.locator("#fld-terms-field")

    assert terms.is_hidden()
    opened.page.locator("label.switch", has=opened.page.locator("#fld-special_terms")).click()

    assert terms.is_visible()
    opened.require_calm()


def test_a_record_in_a_flow_says_who_has_it_and_offers_nothing_to_type(screen: Opener, site) -> None:
    contract = _submitted(site, "Under approval")
    opened = screen("seller")
    opened.go(f"/apps/crm/forms/contract/{contract}")

    assert opened.page.get_by_text("In a flow").is_visible()
    assert opened.page.get_by_role("link", name="Edit").count() == 0
    opened.go(f"/apps/crm/forms/contract/{contract}/edit")

    assert "it waits for" in opened.page.locator(".notice").inner_text()
    assert opened.page.get_by_role("button", name="Save").count() == 0
    assert opened.page.locator("#form-body :is(input:not([type=hidden]), select, textarea)").count() == 0
    assert "80,000" in opened.page.inner_text("main")
    opened.require_calm()
    opened.require_accessible()


def test_a_form_that_was_open_when_the_flow_began_is_told_on_saving(screen: Opener, site) -> None:
    contract = _contract(site, "Open meanwhile")
    opened = screen()
    opened.go(f"/apps/crm/forms/contract/{contract}/edit")
    _submit(site, contract)

    opened.page.locator("#fld-total").fill("90000")
    opened.page.get_by_role("button", name="Save").click()
    dialog = opened.page.get_by_role("dialog")
    dialog.wait_for()

    assert "is running on this record" in dialog.inner_text()
    opened.require_accessible()


def test_the_holder_of_a_task_changes_only_what_the_task_opens(screen: Opener, site) -> None:
    contract = _submitted(site, "Legal looks")
    with site.acting("sales_director") as tx:
        _approve(tx, site)
    opened = screen("legal")
    opened.go(f"/apps/crm/forms/contract/{contract}")

    opened.page.get_by_role("link", name="Open my to-do").wait_for()
    opened.page.get_by_role("link", name="Edit").click()
    opened.settled()
    inputs = opened.page.locator("#form-body :is(input:not([type=hidden]), select, textarea)[name]")
    assert [each.get_attribute("name") for each in inputs.all()] == ["legal_opinion"]
    inputs.first.fill("Seen by legal")
    opened.page.get_by_role("button", name="Save").click()
    opened.page.wait_for_url(re.compile(r"/contract/\d+$"))

    assert "Seen by legal" in opened.page.inner_text("main")
    opened.require_calm()


def _contract(site, customer: str) -> int:
    linked = site.save("seller", "customer", {"name": customer})
    return int(site.save("seller", "contract", {"customer": str(linked), "total": 80_000}))


def _submit(site, contract: int) -> None:
    from runtime import records
    from runtime.flows import instances

    with site.acting("seller") as tx:
        app = site.services.apps.live(tx, "crm")
        instances.submit(tx, app, None, "contract", contract, records.load(tx, app, "contract", contract)["version"])


def _submitted(site, customer: str) -> int:
    contract = _contract(site, customer)
    _submit(site, contract)
    return contract


def _approve(tx, site) -> None:
    """The latest task of whoever acts is decided."""
    from runtime.flows import instances, tasks
    from runtime.flows.task_view import task_view

    line = tasks.tasks(tx, "todo").items[-1]
    app = site.services.apps.live(tx, "crm")
    seen = task_view(tx, app, line.id)
    instances.decide(tx, app, line.id, "approve", line.version, "", {}, None, seen.shown.version)


def test_submitting_starts_the_flow(screen: Opener, site) -> None:
    customer = site.save("admin", "customer", {"name": "To be submitted"})
    contract = site.save("admin", "contract", {"customer": str(customer), "total": 30_000})
    opened = screen()
    opened.go(f"/apps/crm/forms/contract/{contract}")

    opened.page.get_by_role("button", name="Submit").click()
    opened.page.get_by_text("In a flow").wait_for()

    opened.require_calm()


def test_what_was_chosen_in_a_new_row_stays_after_a_refusal(screen: Opener, site) -> None:
    site.save("admin", "product", {"code": "STAY", "name": "Staying product", "price": 10})
    opened = screen("admin")
    opened.go("/apps/crm/forms/contract/new")
    _add_row(opened, "Staying product", "2")

    opened.page.get_by_role("button", name="Save").click()
    opened.page.get_by_role("alert").first.wait_for()
    opened.settled()

    rows = opened.page.locator("ff-subform[data-name=lines] tbody")
    assert rows.locator("[role=combobox]").first.input_value() == "Staying product"
    assert rows.locator("input[name$='.product']").first.input_value().isdigit()
    playwright.expect(rows.locator("input[name$='.price']").first).to_have_value("10")
    assert "20" in rows.locator("td[data-label=Amount]").first.inner_text()
