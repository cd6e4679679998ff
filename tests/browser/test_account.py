"""Signing in and out, one's own settings, and the people of the organisation."""

import re

from tests.browser.conftest import PASSWORD, PHONE, Opener


def test_signing_in_leads_to_where_one_wanted_to_go(screen: Opener) -> None:
    opened = screen(person=None)
    opened.go("/apps/crm/forms/customer")

    opened.page.get_by_label("E-mail").fill("LI@example.com ")
    opened.page.get_by_label("Password").fill(PASSWORD)
    opened.page.get_by_role("button", name="Sign in").click()
    opened.page.wait_for_url(re.compile("/apps/crm/forms/customer$"))

    assert opened.page.get_by_role("button", name=re.compile("Account menu")).is_visible()


def test_a_wrong_password_says_only_that_they_do_not_match(screen: Opener) -> None:
    opened = screen(person=None, language="zh")
    opened.go("/sign-in")

    opened.page.get_by_label("邮箱").fill("nobody@example.com")
    opened.page.get_by_label("密码").fill("wrong")
    opened.page.get_by_role("button", name="登录").click()

    assert opened.page.get_by_role("alert").inner_text().count("邮箱或密码不正确") == 1
    assert opened.page.get_by_label("邮箱").input_value() == "nobody@example.com"


def test_signing_out_ends_the_session(screen: Opener) -> None:
    opened = screen("seller")
    opened.go("/")

    opened.page.get_by_role("button", name=re.compile("Account menu")).click()
    opened.page.get_by_role("menuitem", name="Sign out").click()
    opened.page.wait_for_url(re.compile("/sign-in"))
    opened.go("/")

    assert "/sign-in" in opened.page.url


def test_language_and_theme_are_switched_in_place(screen: Opener) -> None:
    opened = screen()
    opened.go("/account")

    opened.page.get_by_role("link", name="中文").click()
    opened.page.get_by_role("link", name="深色模式").click()

    assert opened.page.url.endswith("/account")
    assert opened.page.locator("html").get_attribute("lang") == "zh-CN"
    assert opened.page.locator("html").get_attribute("data-theme") == "dark"
    assert opened.page.get_by_role("heading", name="账户设置").is_visible()


def test_an_api_key_is_shown_once(screen: Opener) -> None:
    opened = screen("seller")
    opened.go("/account")

    opened.page.get_by_label("Name of the new key").fill("nightly export")
    opened.page.get_by_role("button", name="Create a key").click()
    secret = opened.page.locator(".secret code").inner_text()
    opened.go("/account")

    assert secret.startswith("fourfold_")
    assert opened.page.get_by_text("nightly export").is_visible()
    assert secret not in opened.page.content()


def test_a_new_member_gets_a_password_that_works(screen: Opener) -> None:
    opened = screen()
    opened.go("/admin/members")

    opened.page.get_by_text("New member").click()
    opened.page.get_by_label("Name", exact=True).fill("Ann Lee")
    opened.page.get_by_label("E-mail").fill("ann@example.com")
    opened.page.get_by_role("button", name="Add").click()
    password = opened.page.locator(".secret code").inner_text()
    fresh = screen(person=None)
    fresh.go("/sign-in")
    fresh.page.get_by_label("E-mail").fill("ann@example.com")
    fresh.page.get_by_label("Password").fill(password)
    fresh.page.get_by_role("button", name="Sign in").click()
    fresh.page.wait_for_url(re.compile("/$"))

    assert fresh.page.get_by_role("heading", level=1).inner_text().endswith("Ann Lee")
    assert fresh.page.get_by_text("No app yet").is_visible()


def test_administration_is_not_for_everybody(screen: Opener) -> None:
    opened = screen("seller", width=PHONE)

    opened.page.goto(opened.site.address + "/admin/members")

    assert opened.page.get_by_role("heading", name="You are not allowed to do this").is_visible()
    opened.require_accessible()


def test_the_menu_of_the_phone_opens_and_leads_on(screen: Opener) -> None:
    opened = screen(width=PHONE)
    opened.go("/")

    opened.page.get_by_role("button", name="Menu", exact=True).click()
    opened.page.locator("#sidebar").get_by_role("link", name="Contract").click()
    opened.settled()

    assert opened.page.get_by_role("heading", name="Contract").is_visible()
    opened.require_calm()
