"""Signing in and out, one's own settings, and the people of the organisation."""

import re

import pyotp
import pytest
from sqlalchemy import update

from runtime.db import tables
from runtime.identity import second_factor
from runtime.organisation import members
from tests.browser.conftest import DESKTOP, PASSWORD, PHONE, Opener


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


def test_a_new_member_chooses_a_password_by_a_link(screen: Opener) -> None:
    opened = screen()
    opened.go("/admin/members")

    opened.page.get_by_text("New member").click()
    opened.page.get_by_label("Name", exact=True).fill("Ann Lee")
    opened.page.get_by_label("E-mail").fill("ann@example.com")
    opened.page.get_by_role("button", name="Add").click()
    link = opened.page.locator(".secret code").inner_text()
    fresh = screen(person=None)
    fresh.go(link[link.index("/password?") :])
    fresh.require_accessible()
    fresh.page.get_by_label("New password").fill("three odd words here")
    fresh.page.get_by_role("button", name="Set the password").click()
    fresh.page.get_by_label("E-mail").fill("ann@example.com")
    fresh.page.get_by_label("Password").fill("three odd words here")
    fresh.page.get_by_role("button", name="Sign in").click()
    fresh.page.wait_for_url(re.compile("/$"))

    assert fresh.page.get_by_role("heading", level=1).inner_text().endswith("Ann Lee")
    assert fresh.page.get_by_text("No app for you yet").is_visible()


def test_a_form_that_needs_the_password_again_is_not_lost(screen: Opener) -> None:
    opened = screen(width=PHONE)
    opened.go("/admin/departments")
    with opened.site.services.database.write() as connection:
        connection.execute(update(tables.session).values(elevated_until=None))

    opened.page.get_by_text("New department").click()
    opened.page.locator('form[action="/admin/departments"] input[name=name]').fill("Service & Parts")
    opened.page.get_by_role("button", name="Add").click()
    assert opened.page.get_by_role("heading", name="Confirm it is you").is_visible()
    opened.require_accessible()
    opened.page.get_by_label("Password").fill("not this one")
    opened.page.get_by_role("button", name="Continue").click()
    assert opened.page.get_by_role("alert").is_visible()
    opened.page.get_by_label("Password").fill(PASSWORD)
    opened.page.get_by_role("button", name="Continue").click()
    opened.page.wait_for_url(re.compile("/admin/departments$"))

    assert opened.page.get_by_text("Service & Parts").first.is_visible()


@pytest.mark.parametrize(("language", "width"), [("en", DESKTOP), ("zh", PHONE)])
def test_a_second_factor_is_set_up_and_asked_for(screen: Opener, language: str, width: int) -> None:
    words = {
        "en": ("Set up", "The code that it shows now", "Turn on", "E-mail", "Password", "Sign in", "Code"),
        "zh": ("启用", "当前显示的验证码", "开启", "邮箱", "密码", "登录", "验证码"),
    }[language]
    set_up, code_now, turn_on, email, password, sign_in, code = words
    opened = screen("finance", width=width, language=language)
    with opened.site.acting("finance") as tx:
        second_factor.turn_off(tx, opened.site.people["finance"])
        members.store_password(tx, opened.site.people["finance"], PASSWORD)
    opened.go("/account/second-factor")
    opened.page.get_by_role("button", name=set_up).click()
    assert opened.page.locator("svg.qr-code").bounding_box()["width"] > 150
    opened.require_accessible()
    phone = pyotp.TOTP(opened.page.locator(".secret code").inner_text().replace(" ", ""))
    opened.page.get_by_label(code_now).fill(phone.now())
    opened.page.get_by_role("button", name=turn_on).click()
    assert opened.page.locator(".code-list li").count() == 10
    recovery = opened.page.locator(".code-list li").first.inner_text()
    opened.require_accessible()
    opened.require_calm()

    fresh = screen(person=None, width=width, language=language)
    fresh.go("/sign-in?next=/account/second-factor")
    fresh.page.get_by_label(email).fill("finance@example.com")
    fresh.page.get_by_label(password).fill(PASSWORD)
    fresh.page.get_by_role("button", name=sign_in).click()
    fresh.require_accessible()
    fresh.page.get_by_label(code).fill(recovery)
    fresh.page.get_by_role("button", name=sign_in).click()
    fresh.page.wait_for_url(re.compile("/account/second-factor$"))
    fresh.require_accessible()
    fresh.require_calm()


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("zh", DESKTOP)])
def test_the_plain_pages_of_signing_in_are_for_everybody(screen: Opener, language: str, width: int) -> None:
    opened = screen(person=None, width=width, language=language)
    for path in ("/sign-in", "/forgotten"):
        opened.go(path)
        opened.require_accessible()
        opened.require_calm()


@pytest.mark.parametrize(("language", "width"), [("en", DESKTOP), ("zh", PHONE)])
def test_the_audit_log_is_read_by_auditors(screen: Opener, language: str, width: int) -> None:
    opened = screen("admin", width=width, language=language)
    with opened.site.acting("admin") as tx:
        rights = frozenset({"user_admin", "app_admin", "auditor"})
        members.change(tx, opened.site.people["admin"], rights=rights)
    opened.go("/admin/audit")

    opened.page.get_by_label({"en": "Act", "zh": "操作"}[language], exact=True).select_option("member_changed")
    opened.page.get_by_role("button", name={"en": "Show", "zh": "查看"}[language]).click()
    assert opened.page.get_by_text({"en": "Changed a member", "zh": "修改成员"}[language]).last.is_visible()
    opened.require_accessible()
    opened.require_calm()


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
