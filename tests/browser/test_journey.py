"""The main job from the sign-in on, typed into pages only: customer, opportunity, contract, everybody's decision."""

import re

import pytest

from tests.browser.conftest import DESKTOP, PASSWORD, PHONE, Opener, Screen

WORDS = {
    "en": {
        "e-mail": "E-mail",
        "password": "Password",
        "sign in": "Sign in",
        "add": "Add row",
        "save": "Save",
        "submit": "Submit",
        "approve": "Approve",
        "approved": "Approved",
    },
    "zh": {
        "e-mail": "邮箱",
        "password": "密码",
        "sign in": "登录",
        "add": "添加一行",
        "save": "保存",
        "submit": "提交审批",
        "approve": "同意",
        "approved": "已批准",
    },
}


@pytest.mark.parametrize(
    ("width", "language", "total"),
    [(DESKTOP, "zh", "80000"), (PHONE, "en", "30000")],
)
def test_a_person_does_the_main_job(screen: Opener, width: int, language: str, total: str) -> None:
    said, company = WORDS[language], f"Journey {language} {total} {width}"
    seller = screen(None, width, language)
    _signs_in(seller, said)

    seller.go("/apps/crm/forms/customer/new")
    seller.page.locator("[name=name]").fill(company)
    seller.page.locator("ff-subform[data-name=follow_ups]").get_by_role("button", name=said["add"]).click()
    seller.page.locator("ff-subform[data-name=follow_ups] [name$='.content']").fill("They want a quotation")
    customer = _saved(seller, "customer", said)
    assert "They want a quotation" in seller.page.inner_text("main")

    seller.go(f"/apps/crm/forms/opportunity/new?customer={customer}")
    seller.page.locator("[name=name]").fill(f"Deal of {company}")
    seller.page.locator("#fld-amount").fill(total)
    opportunity = _saved(seller, "opportunity", said)

    seller.go(f"/apps/crm/forms/contract/new?opportunity={opportunity}&customer={customer}")
    seller.page.locator("#fld-total").fill(total)
    seller.page.locator("#fld-cost").fill("12345")
    contract = _saved(seller, "contract", said)
    seller.page.get_by_role("button", name=said["submit"]).click()
    seller.page.locator(".flow-steps").first.wait_for()

    deciders = ["sales_director"] if total == "30000" else ["sales_director", "legal", "general_manager"]
    for person in deciders:
        _approves(screen(person, width, language), company, said, sees_cost=person != "legal")

    seller.go(f"/apps/crm/forms/contract/{contract}")
    assert seller.page.locator(".stage-path [aria-current]").inner_text() == said["approved"]
    seller.require_calm()
    seller.require_accessible()
    finance = screen("finance", width, language)
    finance.go(f"/apps/crm/forms/contract/{contract}")
    assert company in finance.page.inner_text("main")
    assert "12,345" not in finance.page.content()
    finance.require_calm()
    finance.require_accessible()


def _signs_in(seller: Screen, said: dict[str, str]) -> None:
    seller.go("/sign-in")
    seller.page.get_by_label(said["e-mail"]).fill("tao@example.com")
    seller.page.get_by_label(said["password"]).fill(PASSWORD)
    seller.page.get_by_role("button", name=said["sign in"]).click()
    seller.page.wait_for_url(re.compile(r"/$"))
    seller.settled()


def _saved(seller: Screen, form: str, said: dict[str, str]) -> str:
    """Save the form that is open; the id of the new record."""
    seller.page.get_by_role("button", name=said["save"], exact=True).click()
    seller.page.wait_for_url(re.compile(rf"/{form}/\d+$"))
    seller.settled()
    seller.require_calm()
    return str(seller.page.url.rsplit("/", 1)[1])


def _approves(opened: Screen, company: str, said: dict[str, str], sees_cost: bool) -> None:
    """Find the to-do in the list, look at what is to be decided, and approve it."""
    opened.go("/todo")
    opened.page.locator(".todo-lines a", has_text=company).click()
    opened.page.wait_for_url(re.compile(r"/todo/\d+"))
    opened.settled()
    assert ("12,345" in opened.page.inner_text("main")) is sees_cost
    opened.page.locator(".case-actions").get_by_role("button", name=said["approve"]).click()
    opened.page.wait_for_url(re.compile(r"/todo$"))
    opened.settled()
    opened.require_calm()
