"""Screens at the width of a phone: nothing cut off, everything named, nothing that axe finds."""

import pytest

from tests.browser.conftest import PHONE, Opener

PAGES = (
    "/admin/roles",
    "/apps/crm/forms/customer/trash",
    "/apps/crm/build?tab=flows",
    "/apps/crm/build?tab=access",
    "/apps/crm/build?tab=versions",
)


def test_pages_of_administrators_fit_a_phone(screen: Opener, site) -> None:
    opened = screen("admin", PHONE, "zh")
    for path in PAGES:
        opened.go(path)
        opened.require_calm()
        opened.require_accessible()


def test_every_node_of_a_flow_is_on_the_screen(screen: Opener, site) -> None:
    opened = screen("admin", PHONE, "zh")

    opened.go("/apps/crm/build?tab=flows")

    for node in opened.page.locator(".tree-box").all():
        box = node.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE and box["width"] > 120


def test_a_role_keeps_its_name_beside_many_members(screen: Opener, site) -> None:
    opened = screen("admin", PHONE, "zh")

    opened.go("/admin/roles")

    role = opened.page.locator(".line-main", has_text="销售总监").first
    assert role.bounding_box()["width"] > 60
    assert "sales_director" not in opened.page.inner_text("main")


def test_every_stage_of_a_record_is_on_the_screen(screen: Opener, site) -> None:
    customer = site.save("seller", "customer", {"name": "Stages on a phone"})
    deal = site.save("seller", "opportunity", {"name": "Stages", "customer": str(customer), "amount": 1000})
    opened = screen("seller", PHONE, "zh")

    opened.go(f"/apps/crm/forms/opportunity/{deal}")

    for stage in opened.page.locator(".stage-path li").all():
        box = stage.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE
    opened.require_calm()
    opened.require_accessible()
    opened.go(f"/apps/crm/forms/opportunity/{deal}/why")
    assert opened.page.locator(".empty").is_visible()
    opened.page.locator("main form button").click()
    opened.settled()
    assert opened.page.locator(".why-terms, .build-sentence").first.is_visible()
    opened.require_calm()
    opened.require_accessible()


def test_a_search_without_result_says_so_to_everybody(screen: Opener, site) -> None:
    opened = screen("seller", PHONE, "zh")
    opened.go("/apps/crm/forms/contract/new")

    opened.page.locator("#fld-customer").click()
    opened.page.locator("#fld-customer").fill("no such customer at all")

    opened.page.get_by_role("option", name="没有找到").wait_for()
    opened.require_calm()
    opened.require_accessible()


def test_what_is_to_be_corrected_is_listed_in_chinese(screen: Opener, site) -> None:
    opened = screen("seller", PHONE, "zh")
    opened.go("/apps/crm/forms/contract/new")

    opened.page.get_by_role("button", name="保存", exact=True).click()

    summary = opened.page.locator("#error-summary")
    summary.wait_for()
    assert "客户：" in summary.inner_text() and ": " not in summary.inner_text()
    assert summary.locator("b").inner_text() == "有 2 处需要修正"
    opened.require_accessible()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_deletion_is_offered_back_in_the_trash(screen: Opener, site, language: str) -> None:
    customer = site.save("admin", "customer", {"name": f"Thrown away {language}"})
    opened = screen("admin", PHONE, language)
    opened.go(f"/apps/crm/forms/customer/{customer}")

    opened.page.locator(".page-head ff-menu button").first.click()
    opened.page.locator(".page-head [role=menuitem]").click()
    opened.page.wait_for_url("**/forms/customer")
    opened.go("/apps/crm/forms/customer/trash")

    assert f"Thrown away {language}" in opened.page.inner_text("main")
    opened.require_calm()
    opened.require_accessible()
