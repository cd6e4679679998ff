"""From the seller to the general manager: a contract is written, submitted, decided by everybody in turn, and shown."""

import re
from datetime import timedelta

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener, Screen

CONTRACTS = "/apps/crm/forms/contract"
WORDS = {
    "en": {"save": "Save", "submit": "Submit", "approve": "Approve", "approved": "Approved", "reject": "Reject"},
    "zh": {"save": "保存", "submit": "提交审批", "approve": "同意", "approved": "已批准", "reject": "拒绝"},
}


@pytest.mark.parametrize(("width", "language"), [(PHONE, "en")])
def test_a_large_contract_goes_from_the_seller_to_the_general_manager(
    screen: Opener, site, width: int, language: str
) -> None:
    said = WORDS[language]
    customer = site.save("seller", "customer", {"name": f"Golden {language}", "follow_ups": [{"content": "met"}]})

    seller = screen("seller", width, language)
    seller.go(f"{CONTRACTS}/new?customer={customer}")
    seller.page.locator("#fld-total").fill("80000")
    seller.page.locator("#fld-cost").fill("51234")
    seller.page.get_by_role("button", name=said["save"]).click()
    seller.page.wait_for_url(re.compile(r"/contract/\d+$"))
    seller.settled()
    address = seller.page.url.removeprefix(site.address)
    seller.page.get_by_role("button", name=said["submit"]).click()
    seller.page.locator(".flow-steps").first.wait_for()

    _decides(screen("sales_director", width, language), f"Golden {language}", said["approve"], cost=True)
    legal = _opened(screen("legal", width, language), f"Golden {language}")
    assert "51,234" not in legal.page.inner_text("main")
    legal.page.locator("[name=legal_opinion]").fill("No objection")
    _presses(legal, said["approve"])
    _decides(screen("general_manager", width, language), f"Golden {language}", said["approve"], cost=True)

    seller.go(address)
    assert seller.page.locator(".stage-path [aria-current]").inner_text() == said["approved"]
    assert seller.page.get_by_role("button", name=said["submit"]).count() == 0
    assert "No objection" in seller.page.inner_text("main")
    seller.require_calm()
    seller.require_accessible()
    called = seller.page.locator(".page-head h1").inner_text()
    seller.go("/inbox")
    assert called in seller.page.locator(".inbox li").first.inner_text()
    finance = screen("finance", width, language)
    finance.go("/inbox")
    assert finance.page.locator(".inbox [data-unread]").count() >= 1
    finance.require_calm()
    finance.require_accessible()


def test_a_rejected_contract_may_be_submitted_again(screen: Opener, site) -> None:
    contract = _submitted(site, "Refused deal", 30_000)
    director = _opened(screen("sales_director"), "Refused deal")
    director.page.locator("[name=comment]").fill("The price is too low")

    _presses(director, "Reject")

    seller = screen("seller")
    seller.go(f"{CONTRACTS}/{contract}")
    assert seller.page.locator(".stage-path [aria-current]").inner_text() == "Rejected"
    assert seller.page.get_by_text("The price is too low").first.is_visible()
    assert seller.page.get_by_role("button", name="Submit").is_visible()


def test_a_returned_contract_is_corrected_and_submitted_again(screen: Opener, site) -> None:
    _submitted(site, "Returned deal", 30_000)
    director = _opened(screen("sales_director"), "Returned deal")
    director.page.get_by_role("button", name="Return").click()
    director.page.get_by_role("menuitem").first.click()
    director.page.wait_for_url(re.compile(r"/todo$"))

    seller = _opened(screen("seller"), "Returned deal")
    seller.page.locator("#fld-total").fill("29000")
    _presses(seller, "Submit again")

    again = _opened(screen("sales_director"), "Returned deal")
    assert "29,000" in again.page.inner_text("#case")


def test_a_withdrawn_contract_is_a_draft_again(screen: Opener, site) -> None:
    contract = _submitted(site, "Withdrawn deal", 30_000)
    seller = screen("seller")
    seller.go(f"{CONTRACTS}/{contract}")

    seller.page.get_by_role("button", name="Withdraw").click()
    seller.settled()

    assert seller.page.locator(".stage-path [aria-current]").inner_text() == "Draft"
    assert seller.page.get_by_role("button", name="Submit").is_visible()


def test_two_who_decide_at_once_are_told_who_was_first(screen: Opener, site) -> None:
    _submitted(site, "Contested deal", 30_000)
    first = _opened(screen("sales_director"), "Contested deal")
    second = _opened(screen("sales_director"), "Contested deal")

    _presses(first, "Approve")
    second.page.locator(".case-actions").get_by_role("button", name="Approve").click()

    dialog = second.page.get_by_role("dialog")
    dialog.wait_for()
    assert dialog.get_by_role("link", name="Back to my to-dos").is_visible()
    second.require_accessible()


def test_keys_walk_through_the_to_dos_and_decide(screen: Opener, site) -> None:
    _submitted(site, "Keyboard one", 30_000)
    _submitted(site, "Keyboard two", 30_000)
    opened = _opened(screen("sales_director"), "Keyboard one")
    here = opened.page.url

    opened.page.locator("[name=comment]").press_sequentially("ja")
    assert opened.page.url == here
    opened.page.locator("#case h1").click()
    opened.page.keyboard.press("j")
    opened.page.locator("#case h1", has_text="Keyboard two").wait_for()
    opened.settled()
    opened.page.keyboard.press("a")
    opened.page.wait_for_url(re.compile(r"/todo$"))
    opened.settled()

    assert opened.page.locator(".todo-lines a", has_text="Keyboard two").count() == 0
    assert opened.page.locator(".todo-lines a", has_text="Keyboard one").count() == 1
    opened.require_calm()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_line_tells_the_amount_and_how_long_it_waits(screen: Opener, site, width: int) -> None:
    _submitted(site, f"Told before {width}", 30_000)
    _submitted(site, f"Told in a line {width}", 31_234)
    opened = screen("sales_director", width)

    opened.go("/todo")

    line = opened.page.locator(".todo-lines a", has_text=f"Told in a line {width}")
    assert "31,234.00" in line.inner_text()
    assert "waiting for" in line.inner_text()
    opened.page.get_by_label("Order").select_option("newest")
    opened.page.wait_for_url(re.compile("order=newest"))
    opened.settled()
    assert "Told in a line" in opened.page.locator(".todo-lines a").first.inner_text()
    opened.require_calm()
    opened.require_accessible()
    opened.go("/")
    assert opened.page.locator(".home-todo .amount").count() >= 1
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize(
    ("width", "language", "due", "late"),
    [(DESKTOP, "en", "due in 47 h", "overdue by 3 d"), (PHONE, "zh", "剩余 47 小时", "已超时 3 天")],
)
def test_a_line_tells_when_it_is_due_and_that_it_is_late(
    screen: Opener, site, width: int, language: str, due: str, late: str
) -> None:
    ahead, behind = (f"{name} {language}" for name in ("Due deal", "Late deal"))
    for name in (ahead, behind):
        _approved_by_the_director(site, _submitted(site, name, 80_000))
    _let_pass(site, behind, timedelta(days=5))
    opened = screen("legal", width, language)

    opened.go("/todo")

    assert due in opened.page.locator(".todo-lines a", has_text=ahead).inner_text()
    assert late in opened.page.locator(".todo-lines a", has_text=behind).inner_text()
    assert opened.page.locator(".todo-group[data-state=late]").count() == 1
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
@pytest.mark.parametrize("path", ["/todo", "/todo?box=done", "/todo?box=started", "/inbox"])
def test_the_to_do_centre_is_calm_and_accessible(screen: Opener, site, path: str, width: int, language: str) -> None:
    opened = screen("sales_director", width, language, "dark")

    opened.go(path)

    opened.require_calm()
    opened.require_accessible()


def test_the_actions_of_a_case_stand_above_the_tab_bar(screen: Opener, site) -> None:
    _submitted(site, "On the phone", 30_000)
    opened = _opened(screen("sales_director", PHONE), "On the phone")

    actions, tabs = opened.page.locator(".case-actions").bounding_box(), opened.page.locator(".tabbar").bounding_box()

    assert actions["y"] + actions["height"] <= tabs["y"] + 1
    assert actions["x"] >= 0 and actions["x"] + actions["width"] <= PHONE
    opened.require_calm()
    opened.require_accessible()


def test_what_rules_did_can_be_asked(screen: Opener, site) -> None:
    customer = site.save("seller", "customer", {"name": "Asked why", "intention": "some"})
    opened = screen("seller")

    opened.go(f"/apps/crm/forms/customer/{customer}/why?rule=strong_intention")

    assert opened.page.locator(".why-terms [data-holds]").count() >= 1
    opened.require_calm()
    opened.require_accessible()


def _submitted(site, name: str, total: int) -> int:
    """A contract of the seller that waits for the director."""
    from runtime import records
    from runtime.flows import instances

    customer = site.save("seller", "customer", {"name": name})
    contract = site.save("seller", "contract", {"customer": str(customer), "total": total})
    with site.acting("seller") as tx:
        app = site.services.apps.live(tx, "crm")
        instances.submit(tx, app, None, "contract", contract, records.load(tx, app, "contract", contract)["version"])
    return contract


def _approved_by_the_director(site, contract: int) -> None:
    from runtime.flows import instances, tasks
    from runtime.flows.task_view import task_view

    with site.acting("sales_director") as tx:
        app = site.services.apps.live(tx, "crm")
        id = tasks.open_on(tx, app, app.form("contract").id, contract)
        instances.decide(tx, app, id, "approve", task_view(tx, app, id).line.version)


def _let_pass(site, name: str, time: timedelta) -> None:
    """Move what waits for legal about a record into the past, as if that time had gone by."""
    import sqlalchemy as sa

    from runtime.db import tables
    from runtime.flows import tasks

    with site.acting("legal") as tx:
        line = next(each for each in tasks.tasks(tx, "todo").items if name in each.label)
        moved = sa.update(tables.task).where(tables.task.c.id == line.id)
        tx.connection.execute(moved.values(opened_at=line.opened_at - time, due_at=line.due_at - time))


def _opened(opened: Screen, name: str) -> Screen:
    """The task about a record, opened from the list of to-dos."""
    opened.go("/todo")
    opened.page.locator(".todo-lines a", has_text=name).click()
    opened.page.wait_for_url(re.compile(r"/todo/\d+"))
    opened.settled()
    return opened


def _presses(opened: Screen, button: str) -> None:
    opened.page.locator(".case-actions").get_by_role("button", name=button).click()
    opened.page.wait_for_url(re.compile(r"/todo$"))
    opened.settled()
    opened.require_calm()


def _decides(opened: Screen, name: str, button: str, cost: bool = False) -> None:
    _opened(opened, name)
    if cost:
        assert "51,234" in opened.page.inner_text("main")
    _presses(opened, button)
