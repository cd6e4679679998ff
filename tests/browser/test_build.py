"""The builder's pages: a definition in words and pictures, its JSON edited, checked, published, discarded."""

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.canonical import as_text
from runtime.db import tables
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


def test_two_people_who_write_one_draft_lose_nothing(screen: Opener) -> None:
    mine, theirs = _editor(screen, PHONE), _editor(screen, DESKTOP)
    texts = []
    for each, name in ((theirs, "Their leave"), (mine, "My leave")):
        document = _document(each)
        document["title"] = {"en": name, "zh": "请假"}
        texts.append(as_text(document))
        _write(each, texts[-1])

    _press(theirs, "Save and check")
    theirs.page.get_by_text("No problems").wait_for()
    _press(mine, "Save and check")
    mine.page.get_by_role("heading", name="has saved the draft meanwhile").wait_for()
    assert mine.page.locator("#document").input_value() == texts[1]
    assert "Their leave" in "".join(mine.page.locator(".json-differences del").all_inner_texts())
    assert "My leave" in "".join(mine.page.locator(".json-differences ins").all_inner_texts())
    mine.require_accessible()
    assert mine.page.evaluate("document.documentElement.scrollWidth") <= PHONE
    _press(mine, "Save and check")
    mine.page.get_by_text("No problems").wait_for()

    theirs.go(LEAVE)
    assert "My leave" in theirs.page.locator("#document").input_value()
    _discard(theirs)


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_an_earlier_version_is_made_live_again(screen: Opener, site, width: int, language: str) -> None:
    number, told = _published(site, f"Leave {language}"), {"en": "Make version", "zh": "重新启用第"}
    opened = screen("admin", width, language)
    opened.go("/apps/leave/build?tab=versions")
    opened.require_calm()
    opened.require_accessible()

    opened.page.locator(f"a[href$='/versions/{number - 1}']").click()
    opened.settled()
    opened.require_calm()
    opened.require_accessible()
    opened.page.get_by_role("button", name=told[language]).click()
    opened.page.locator(".toast").wait_for(timeout=60_000)

    assert f"{number + 1}" in opened.page.locator("tbody tr").first.inner_text()
    opened.require_calm()


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_an_index_is_offered_for_a_slow_list(screen: Opener, site, width: int, language: str) -> None:
    form = site.services.apps.live  # the live app names fields by id
    with site.acting("admin") as tx:
        customer = form(tx, "crm").form("customer")
        row = {"app": "crm", "form": customer.id, "field": customer.field_ids["phone"], "times": 214, "slowest": 380}
        tx.connection.execute(sa.delete(tables.slow_list))
        tx.connection.execute(sa.insert(tables.slow_list).values(**row, last_at=tx.now))
    opened = screen("admin", width, language)
    opened.go("/apps/crm/build")
    assert "214" in opened.page.locator(".build-offers").inner_text()
    opened.require_calm()
    opened.require_accessible()

    opened.page.locator(".build-offers button").click()
    opened.page.wait_for_url(re.compile("tab=json"))
    opened.settled()

    assert '"indexed": true' in opened.page.locator("#document").input_value()
    _press(opened, {"en": "Discard the draft", "zh": "放弃草稿"}[language])
    opened.page.locator(".toast").wait_for()


def _published(site: Any, title: str) -> int:
    """Publish the leave app under another title; gives the number of that version."""
    from builder_api import versions
    from builder_api.publish import import_document

    with site.acting("admin") as tx:
        live = site.services.apps.live(tx, "leave")
        document = site.services.apps.language.canonical(live.definition)
    import_document(site.services, {**document, "title": title})
    with site.acting("admin") as tx:
        return int(versions.versions(tx.connection, "leave")[0]["number"])


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
