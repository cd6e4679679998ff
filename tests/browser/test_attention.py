"""What needs attention, on a desk and on a phone: nothing, then a paused rule and a failed job that are dealt with."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Opener, Site

PAGE = "/attention"


@pytest.fixture
def trouble(site: Site) -> Iterator[None]:
    """A rule that stands still, a job of it that waits, a mail that failed for good and a schedule that was missed."""
    from datetime import timedelta

    from sqlalchemy import delete, insert

    from runtime.db import tables
    from runtime.rules import pausing

    moment = site.services.clock()
    blank = dict.fromkeys(tables.job.c.keys())
    about = {**blank, "attempt": 8, "run_at": moment, "created_at": moment, "app": "crm", "rule": "u_gone"}
    missed = {"count": 3, "caught_up": 1, "first": (moment - timedelta(days=3)).isoformat(), "last": moment.isoformat()}
    payload = {"app": "crm", "to": "chen@customer.example"}
    waiting = {"key": "browser:2", "kind": "effects", "payload": {"app": "crm"}, "state": "held"}
    failed = {"key": "browser:1", "kind": "mail", "payload": payload, "state": "dead", "finished_at": moment}
    schedule = {
        "key": "schedule:crm:u_gone",
        "due": moment + timedelta(days=1),
        "kind": "schedule",
        "cron": "0 9 * * *",
    }
    with site.acting("admin") as tx:
        pausing.pause(tx, "crm", "u_gone", "sends nonsense")
        jobs = [{**about, **waiting}, {**about, **failed, "last_error": "chen@customer.example does not take the mail"}]
        tx.connection.execute(insert(tables.job), jobs)
        timer = {**schedule, "zone": "UTC", "payload": {"app": "crm", "rule": "u_gone"}, "missed": missed}
        tx.connection.execute(insert(tables.timer).values(timer))
    yield
    with site.acting("admin") as tx:
        pausing.resume(tx, "crm", "u_gone")
        tx.connection.execute(delete(tables.job).where(tables.job.c.key.startswith("browser:")))
        tx.connection.execute(delete(tables.timer).where(tables.timer.c.key == "schedule:crm:u_gone"))


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_a_calm_installation_says_that_nothing_needs_attention(screen: Opener, width: int, language: str) -> None:
    opened = screen("admin", width, language)

    opened.go(PAGE)

    said = {"en": "Nothing needs attention", "zh": "没有待处理的问题"}[language]
    assert said in opened.page.locator("main").inner_text()
    opened.require_calm()
    opened.require_accessible()


@pytest.mark.parametrize(
    ("width", "language", "theme"), [(DESKTOP, "zh", "light"), (PHONE, "en", "light"), (PHONE, "zh", "dark")]
)
def test_trouble_is_readable_on_every_screen(
    screen: Opener, trouble: None, width: int, language: str, theme: str
) -> None:
    opened = screen("admin", width, language, theme)

    opened.go(PAGE)

    assert opened.page.locator(".attention-list > li").count() == 3
    opened.require_calm()
    opened.require_accessible()


def test_trouble_is_dealt_with_by_its_buttons(screen: Opener, trouble: None) -> None:
    opened = screen("admin")
    opened.go(PAGE)

    for button in ("Give up what waits", "Resume", "Give up", "I have seen this"):
        opened.page.get_by_role("button", name=button, exact=True).click()
        opened.settled()

    assert "Nothing needs attention" in opened.page.locator("main").inner_text()
    opened.require_calm()


def test_a_rule_is_paused_and_resumed_where_rules_are_read(screen: Opener) -> None:
    opened = screen("admin")
    opened.go("/apps/crm/build?tab=rules")
    card = opened.page.locator("section.card").first

    card.locator(".rule-switch summary").click()
    card.get_by_label("Reason").fill("too loud")
    card.get_by_role("button", name="Pause the rule").click()
    opened.settled()
    paused = card.locator(".rule-pause").inner_text()
    card.get_by_role("button", name="Resume").click()
    opened.settled()

    assert "Paused" in paused and "周莉" in paused and "too loud" in paused
    assert card.locator(".rule-pause").count() == 0
    opened.require_calm()


def test_who_looks_after_nothing_does_not_get_the_page(screen: Opener) -> None:
    opened = screen("seller")

    opened.go("/")

    assert opened.page.locator("a[href='/attention']").count() == 0
