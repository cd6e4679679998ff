"""The HTTP of rules: traces through today's masks, why-not, dead letters, the inbox."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from metadata.text import say
from runtime.db import tables
from runtime.services import Services
from runtime.web.api import notifications, records, rules, session
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import Trading, open_trading

RULE = {
    "when": {"trigger": "updated", "form": "deal"},
    "if": "score > 80 and amount > 100",
    "then": [{"action": "notify", "to": "=owner", "text": "{{name}} is hot"}],
}
MAY = ["create", "read", "update"]
BLIND = [
    {"role": "seller", "form": "deal", "may": MAY},
    {"role": "boss", "form": "deal", "may": ["read"], "fields": ["name", "score", "stage"]},
]


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, records, rules, notifications)


@pytest.fixture
def office(services: Services, clock: MovedClock, password_hash: str) -> Trading:
    return open_trading(services, clock, RULE, password_hash=password_hash, access=BLIND)


def url(deal: int, what: str) -> str:
    return f"/api/v1/apps/sales/forms/deal/records/{deal}/{what}"


def test_a_trace_shows_the_value_of_each_term(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    deal = office.save(name="A", amount=200)
    office.save(id=deal, score=90)
    sign_in("ann")

    (trace,) = client.get(url(deal, "traces")).json()["items"]

    assert (trace["rule"], trace["outcome"], trace["actions"]) == ("rule_0", "fired", ["notify"])
    assert [(term["text"], term["value"]) for term in trace["terms"]] == [("score > 80", True), ("amount > 100", True)]
    assert trace["terms"][1]["reads"] == [{"name": "amount", "title": "Amount", "value": 200, "said": "200"}]
    assert trace["terms"][0]["words"] == "Score is greater than 80"


def test_whoever_may_not_read_a_field_does_not_learn_it_from_a_trace(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    deal = office.save(name="A", amount=204816)
    office.save(id=deal, score=90)
    sign_in("chef")

    answers = [client.get(url(deal, "traces")), client.get(url(deal, "why-not"), params={"rule": "rule_0"})]

    assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
    assert not any("amount" in answer.text or "204816" in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("reads", "seen"),
    [
        ("customer.contact", {"fields": ["name"]}),
        ("customer.contact", {"where": "name == 'other'"}),
        ("reached_at", {"where": "name == 'other'"}),
    ],
)
def test_what_lies_behind_a_link_is_told_only_to_who_may_read_it_everywhere(
    services: Services,
    clock: MovedClock,
    password_hash: str,
    client: TestClient,
    sign_in: Callable[[str], Any],
    reads: str,
    seen: dict[str, Any],
) -> None:
    rule = {**RULE, "if": f"{reads} == 'canary@example.com' and score > 80"}
    access = [
        {"role": "seller", "form": "deal", "may": MAY},
        {"role": "seller", "form": "customer", "may": ["create", "read"]},
        {"role": "boss", "form": "deal", "may": ["read"]},
        {"role": "boss", "form": "customer", "may": ["read"], **seen},
    ]
    office = open_trading(services, clock, rule, password_hash=password_hash, access=access)
    customer = office.save("customer", name="C", contact="canary@example.com")
    deal = office.save(name="A", customer=str(customer))
    office.save(id=deal, score=90)

    told = {}
    for name in ("ann", "chef"):
        sign_in(name)
        told[name] = (
            client.get(url(deal, "traces")).text + client.get(url(deal, "why-not"), params={"rule": "rule_0"}).text
        )

    assert "canary" in told["ann"]
    assert "canary" not in told["chef"] and "score > 80" in told["chef"]


def test_why_not_names_the_term_that_failed(office: Trading, client: TestClient, sign_in: Callable[[str], Any]) -> None:
    deal = office.save(name="A", amount=50)
    office.save(id=deal, score=90)
    sign_in("ann")

    answer = client.get(url(deal, "why-not"), params={"rule": "rule_0"}).json()

    assert answer["outcome"] == "condition_false"
    assert [(term["text"], term["reads"][0]["value"]) for term in answer["failing"]] == [("amount > 100", 50)]


def test_why_not_judges_by_the_rule_that_was_live_then(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    deal = office.save(name="A", amount=50)
    office.save(id=deal, score=90)
    office.clock.move(hours=1)
    office.publish({**RULE, "if": "score > 95"}, access=BLIND)
    sign_in("ann")

    answer = client.get(url(deal, "why-not"), params={"rule": "rule_0"}).json()

    assert [term["text"] for term in answer["failing"]] == ["amount > 100"]


def test_why_not_of_a_moment_asks_the_record_as_it_is_now(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    when = {"trigger": "absence", "form": "deal", "duration": "1 day"}
    office.publish({**RULE, "when": when, "if": "amount > 100"}, access=BLIND)
    deal = office.save(name="A", amount=50)
    sign_in("ann")

    answer = client.get(url(deal, "why-not"), params={"rule": "rule_0"}).json()

    assert (answer["outcome"], answer["reason"]) == ("condition_false", "its moment has not come")
    office.save(id=deal, amount=200)
    answer = client.get(url(deal, "why-not"), params={"rule": "rule_0"}).json()
    assert (answer["outcome"], answer["reason"]) == ("not_concerned", "its moment has not come")


def test_why_not_of_a_moment_tells_nothing_of_a_hidden_date(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    office.publish({**RULE, "when": {"trigger": "date", "form": "deal", "field": "due"}}, access=BLIND)
    deal = office.save(name="A", score=90, due="2026-11-25")
    rule = next(iter(office.app.rules.rules))

    def told(who: str) -> str:
        sign_in(who)
        return str(client.get(url(deal, "why-not"), params={"rule": "rule_0"}).json()["reason"])

    assert (told("ann"), told("chef")) == ("its moment has not come", "")
    with services.database.write() as connection:
        fired = {"app": "sales", "rule": rule, "record": deal, "occurrence": "2026-11-25"}
        connection.execute(insert(tables.fired).values(fired))
    assert (told("ann"), told("chef")) == ("its moment came, counted from 2026-11-25", "")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("traces", 404),
        ("why-not?rule=rule_0", 404),
        ("why-not", 422),
        ("why-not?rule=rule_0&seq=0", 422),
        ("why-not?rule=rule_0&more=1", 422),
    ],
)
def test_a_record_that_is_not_there_tells_nothing(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], path: str, status: int
) -> None:
    sign_in("ann")

    assert client.get(url(12345, path)).status_code == status


def test_an_unknown_rule_gets_a_hint(office: Trading, client: TestClient, sign_in: Callable[[str], Any]) -> None:
    deal = office.save(name="A")
    sign_in("ann")

    answer = client.get(url(deal, "why-not"), params={"rule": "rule_1"})

    assert answer.status_code == 404
    assert "rule_0" in answer.text


def test_the_inbox_is_ones_own(office: Trading, client: TestClient, sign_in: Callable[[str], Any]) -> None:
    deal = office.save(name="A", amount=200)
    office.save(id=deal, score=90)
    sign_in("ann")

    (message,) = client.get("/api/v1/notifications", params={"unread": "true"}).json()["items"]
    read = client.post(f"/api/v1/notifications/{message['id']}/read").json()
    left = client.get("/api/v1/notifications/count").json()
    sign_in("chef")
    others = client.post(f"/api/v1/notifications/{message['id']}/read")

    assert (message["title"], message["form"], message["record"]) == ("A is hot", "deal", str(deal))
    assert (read, left, others.status_code) == ({"read": 1}, {"unread": 0}, 404)


def test_dead_letters_are_for_keepers_and_can_be_brought_back(
    office: Trading, client: TestClient, sign_in: Callable[[str], Any], services: Services
) -> None:
    from engines.actor import system
    from runtime import jobs, transaction

    with transaction.begin(services, system("test")) as tx:
        jobs.enqueue(tx, "no such kind", "odd:key+00:00", {"to": "x@example.com"})
    rule = office.app.rules.rules[next(iter(office.app.rules.rules))]
    with services.database.write() as connection:
        connection.execute(update(tables.job).values(state="dead", last_error="odd", finished_at=services.clock()))
        connection.execute(update(tables.job).values(app=office.app.name, rule=rule.id))
        keeper = update(tables.member).where(tables.member.c.id == office.people["chef"])
        connection.execute(keeper.values(rights=["app_admin"]))
        connection.execute(update(tables.epoch).values(value=tables.epoch.c.value + 1))
    sign_in("ann")
    refused = client.get("/api/v1/jobs/dead").status_code
    sign_in("chef")

    (job,) = client.get("/api/v1/jobs/dead").json()["items"]
    again = client.post(f"/api/v1/jobs/{job['key']}/retry", headers={"X-CSRF-Token": "x"})

    assert refused == 403
    assert (job["kind"], job["error"]) == ("no such kind", "odd")
    assert (job["rule"], job["rule_title"]) == (rule.name, say(rule.title, "en"))
    assert again.status_code == 200, again.text
    assert client.get("/api/v1/jobs/dead").json()["items"] == []
