"""Pausing rules over HTTP, and the page of what needs attention: for keepers, through their own rights."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from runtime.db import tables
from runtime.rules import pausing
from runtime.services import Services
from runtime.web.api import records, rules, session
from runtime.web.pages.admin import attention
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import Trading, open_trading

WELCOME = {
    "when": {"trigger": "created", "form": "deal"},
    "then": [{"action": "set", "values": {"note": "welcome"}}],
}
LATER = {
    "when": {"trigger": "created", "form": "deal"},
    "async": True,
    "then": [{"action": "mail", "to": "office@example.com", "subject": "new", "text": "{{name}}"}],
}
RULES = "/api/v1/apps/sales/rules"


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, records, rules, attention)


@pytest.fixture
def office(services: Services, clock: MovedClock, password_hash: str) -> Trading:
    access = [
        {"role": "seller", "form": "deal", "may": ["create", "read", "update"]},
        {"role": "boss", "form": "deal", "may": ["read"], "where": "amount > 100"},
    ]
    office = open_trading(services, clock, WELCOME, LATER, password_hash=password_hash, access=access)
    with services.database.write() as connection:
        keeper = update(tables.member).where(tables.member.c.id == office.people["chef"])
        connection.execute(keeper.values(rights=["app_admin"]))
        connection.execute(update(tables.epoch).values(value=tables.epoch.c.value + 1))
    return office


def bury(services: Services) -> None:
    with services.database.write() as connection:
        dead = {"state": "dead", "last_error": "canary", "finished_at": services.clock()}
        connection.execute(update(tables.job).where(tables.job.c.kind == "mail").values(dead))


def test_a_rule_is_paused_and_resumed_over_http_with_who_and_why(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    sign_in("chef")

    paused = client.post(f"{RULES}/rule_0/pause", json={"reason": "sends nonsense"}, headers={"X-CSRF-Token": "x"})
    listed = client.get(RULES).json()["items"]
    quiet = office.save(name="A")
    resumed = client.post(f"{RULES}/rule_0/resume", json={}, headers={"X-CSRF-Token": "x"})

    assert paused.status_code == 200, paused.text
    assert {key: paused.json()["paused"][key] for key in ("by", "reason")} == {"by": "chef", "reason": "sends nonsense"}
    assert [bool(each["paused"]) for each in listed] == [True, False]
    assert office.record(quiet)["f_note"] is None
    assert resumed.json()["paused"] is None
    with services.database.read() as connection:
        audited = list(connection.scalars(select(tables.audit.c.action).where(tables.audit.c.object_kind == "rule")))
    assert audited == ["rule_paused", "rule_resumed"]


@pytest.mark.parametrize("act", ["pause", "resume", "discard"])
def test_who_looks_after_no_apps_pauses_nothing(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], act: str
) -> None:
    sign_in("ann")

    answer = client.post(f"{RULES}/rule_0/{act}", json={}, headers={"X-CSRF-Token": "x"})

    assert answer.status_code == 403
    assert client.get("/attention").status_code == 403


def test_why_not_says_that_the_rule_stands_still(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    sign_in("chef")
    client.post(f"{RULES}/rule_0/pause", json={"reason": "wrong"}, headers={"X-CSRF-Token": "x"})
    office.clock.move(minutes=1)
    deal = office.save(name="A", amount=200)

    answer = client.get(f"/api/v1/apps/sales/forms/deal/records/{deal}/why-not", params={"rule": "rule_0"}).json()

    assert "is paused since" in answer["reason"] and "wrong" in answer["reason"]


def test_the_page_shows_failed_jobs_but_nothing_of_records_that_are_hidden_from_the_viewer(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    for name, amount in (("Visible deal", 500), ("Hidden deal", 50)):
        office.save(name=name, amount=amount)
    bury(services)
    sign_in("chef")

    page = client.get("/attention").text

    assert "Failed jobs" in page and "Visible deal" in page
    assert "Hidden deal" not in page and page.count("canary") == 1


def test_a_failed_job_is_tried_again_or_given_up_from_the_page(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    for name in "AB":
        office.save(name=name)
    bury(services)
    with services.database.read() as connection:
        first, second = connection.scalars(select(tables.job.c.key).where(tables.job.c.state == "dead"))
    sign_in("chef")
    csrf = _csrf(client)

    again = client.post("/attention/jobs/retry", data={"key": first, "csrf": csrf}, follow_redirects=False)
    given_up = client.post("/attention/jobs/discard", data={"key": second, "csrf": csrf}, follow_redirects=False)
    twice = client.post("/attention/jobs/discard", data={"key": second, "csrf": csrf}, follow_redirects=False)

    assert (again.status_code, given_up.status_code, twice.status_code) == (303, 303, 409)
    with services.database.read() as connection:
        states = list(connection.scalars(select(tables.job.c.state).where(tables.job.c.key.in_([first, second]))))
    assert sorted(states) == ["discarded", "queued"]


def test_all_failed_jobs_are_tried_again_at_once(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    for name in "ABC":
        office.save(name=name)
    bury(services)
    sign_in("chef")

    client.post("/attention/jobs/retry-all", data={"csrf": _csrf(client)})

    with services.database.read() as connection:
        again = select(tables.job.c.attempt).where(tables.job.c.kind == "mail", tables.job.c.state == "queued")
        assert list(connection.scalars(again)) == [0, 0, 0]


def test_a_paused_rule_is_resumed_from_the_page(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    sign_in("chef")
    client.post("/attention/rules/sales/u_1/pause", data={"reason": "too loud", "csrf": _csrf(client)})
    office.save(name="A")
    page = client.get("/attention").text

    client.post("/attention/rules/sales/u_1/resume", data={"csrf": _csrf(client)})

    assert "too loud" in page and "Waiting jobs: 1" in page
    with services.database.read() as connection:
        assert pausing.pauses(connection) == []


def _csrf(client: TestClient) -> str:
    return client.get("/attention").text.split('name="csrf" value="')[1].split('"')[0]
