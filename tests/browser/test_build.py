"""The builder's pages: a definition in words and pictures, its JSON edited, checked, published, discarded."""

import json
from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener, Screen

PARTS = ("forms", "flows", "rules", "reports", "access", "versions", "json")
LEAVE = "/apps/leave/build?tab=json"


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_every_part_of_a_definition_is_calm_and_accessible(screen: Opener, width: int, language: str) -> None:
    opened = screen("admin", width, language)

    for part in PARTS:
        opened.go(f"/apps/crm/build?tab={part}")

        opened.require_calm()
        opened.require_accessible()
    opened.go("/apps")
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize("part", ["flows", "access"])
def test_the_definition_is_readable_in_the_dark(screen: Opener, part: str) -> None:
    opened = screen("admin", theme="dark")

    opened.go(f"/apps/crm/build?tab={part}")

    opened.require_calm()
    opened.require_accessible()


def test_who_may_not_build_is_sent_away(screen: Opener) -> None:
    opened = screen("seller")

    opened.go("/apps/crm/build")

    assert opened.page.locator(".build").count() == 0


def test_all_problems_are_said_with_place_and_hint_and_the_text_survives(screen: Opener) -> None:
    opened = _editor(screen, DESKTOP)
    document = _document(opened)
    document["forms"][0]["fields"][0]["type"] = "txt"
    document["forms"][0]["label"] = "{{nobody}}"
    _write(opened, json.dumps(document, ensure_ascii=False))

    _press(opened, "Save and check")
    summary = opened.page.locator("#json-editor .error-summary")
    summary.wait_for()

    assert summary.locator("li").count() >= 2
    assert "/forms/0/fields/0/type" in summary.inner_text()
    assert '"txt"' in opened.page.locator("#document").input_value()
    opened.require_calm()
    opened.require_accessible()
    _discard(opened)


def test_what_is_no_json_is_said_with_its_line(screen: Opener) -> None:
    opened = _editor(screen, PHONE)
    _write(opened, '{"format": 1,,}')

    _press(opened, "Save and check")
    opened.page.locator("#json-editor .error-summary").wait_for()

    assert opened.page.locator("#document").input_value() == '{"format": 1,,}'
    opened.require_accessible()


def test_a_new_title_is_checked_published_and_stands_in_the_menu(screen: Opener) -> None:
    opened = _editor(screen, DESKTOP)
    document = _document(opened)
    form = document["forms"][0]
    form["title"] = {"en": "Time away", "zh": "休假"}
    _write(opened, json.dumps(document, ensure_ascii=False))

    _press(opened, "Save and check")
    opened.page.get_by_text("No problems").wait_for()
    assert opened.page.get_by_role("heading", name="What publishing would do").is_visible()
    _press(opened, "Publish")
    opened.page.locator(".toast").wait_for(timeout=60_000)

    assert opened.page.locator("#sidebar").get_by_text("Time away").first.is_visible()
    opened.require_calm()


def test_a_draft_can_be_discarded(screen: Opener) -> None:
    opened = _editor(screen, DESKTOP)
    document = _document(opened)
    document["title"] = {"en": "Never published", "zh": "从未发布"}
    _write(opened, json.dumps(document, ensure_ascii=False))
    _press(opened, "Save and check")
    opened.page.get_by_text("No problems").wait_for()

    _discard(opened)

    assert "Never published" not in opened.page.locator("#document").input_value()


def test_a_loss_needs_consent(screen: Opener) -> None:
    opened = _editor(screen, DESKTOP)
    document = _document(opened)
    form = next(each for each in document["forms"] if each["name"] == "request")
    form["fields"].append({"name": "remark", "type": "text", "title": {"en": "Remark", "zh": "备注"}})
    _write(opened, json.dumps(document, ensure_ascii=False))
    _press(opened, "Publish")
    opened.page.locator(".toast").wait_for(timeout=60_000)
    opened.go(LEAVE)
    document = _document(opened)
    form = next(each for each in document["forms"] if each["name"] == "request")
    form["fields"] = [each for each in form["fields"] if each["name"] != "remark"]
    _write(opened, json.dumps(document, ensure_ascii=False))

    _press(opened, "Publish")
    consent = opened.page.locator("[name=accept_losses]")
    consent.wait_for(timeout=60_000)
    opened.require_accessible()
    consent.check()
    _press(opened, "Publish")
    opened.page.locator(".toast").wait_for(timeout=60_000)

    assert '"remark"' not in opened.page.locator("#document").input_value()


def _editor(screen: Opener, width: int) -> Screen:
    opened = screen("admin", width)
    opened.go(LEAVE)
    return opened


def _document(opened: Screen) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened.page.locator("#document").input_value())
    return found


def _write(opened: Screen, text: str) -> None:
    """Put the whole text at once; typing thousands of letters would tell no more."""
    opened.page.locator("#document").evaluate("(area, text) => { area.value = text }", text)


def _press(opened: Screen, button: str) -> None:
    opened.page.get_by_role("button", name=button, exact=True).click()


def _discard(opened: Screen) -> None:
    _press(opened, "Discard the draft")
    opened.page.get_by_text("This is what is published").wait_for()
    opened.settled()
