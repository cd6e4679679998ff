"""Lists that take long are noted by their fields, and the builder is offered an index for these."""

from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from engines.actor import system
from runtime import reading, transaction
from runtime.reading import ListQuery
from runtime.services import Services
from tests.builder_api.conftest import shop

OFFERS = "/api/v1/builder/apps/shop/index-offers"


def ask(services: Services, **query: Any) -> None:
    with transaction.read(services, system("test")) as tx:
        reading.list_records(tx, services.apps.live(tx, "shop"), "order", ListQuery(**query))


def later(services: Services, now: datetime) -> None:
    services.clock = lambda: now
    with transaction.read(services, system("test")):
        pass


def test_slow_filters_and_sorts_are_counted_and_an_index_is_taken_into_the_draft(
    client: TestClient, services: Services
) -> None:
    client.put("/api/v1/builder/apps/shop/draft", json={"document": shop(rules=[], reports=[])})
    client.post("/api/v1/builder/apps/shop/publish", json={"skip_stories": True})
    services.slow_lists.slow_after = 0.0
    for _ in range(3):
        ask(services, filter="code == 'x' and customer == null")
    ask(services, sort="-code,total")
    assert client.get(OFFERS).json()["items"] == []

    later(services, services.clock() + timedelta(minutes=2))
    found = client.get(OFFERS).json()["items"]
    assert [(each["form"], each["field"], each["times"]) for each in found] == [
        ("order", "code", 4),
        ("order", "total", 1),
    ]

    taken = client.post(OFFERS, json={"form": "order", "field": "code"})
    assert taken.status_code == 200, taken.text
    client.post("/api/v1/builder/apps/shop/publish", json={"skip_stories": True})
    assert [each["field"] for each in client.get(OFFERS).json()["items"]] == ["total"]
