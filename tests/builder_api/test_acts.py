"""The buttons of the builder's pages: an index for a slow list, and the way back to an earlier version."""

import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.packages import import_app
from engines.actor import system
from runtime import reading, transaction
from runtime.reading import ListQuery
from runtime.services import Services
from tests.builder_api.conftest import BUILDER, Install, field_of, shop
from tests.builder_api.test_ways_to_publish import told

VERSIONS, FIRST = "/apps/shop/build?tab=versions", "/apps/shop/build/versions/1"


@pytest.fixture
def two_versions(install: Install) -> None:
    """The second version has a field more, and a new title."""
    install(shop(rules=[]))
    more = shop(rules=[], title="Stall")
    more["forms"][1]["fields"].append({"name": "remark", "type": "text"})
    install(more)


def press(client: TestClient, path: str, page: str, **more: str) -> Any:
    """Send a form with the hidden part that the page drew."""
    hidden = dict(re.findall(r'name="(csrf|idempotency-key)" value="([^"]+)"', page))
    return client.post(path, data={**hidden, **more}, follow_redirects=False)


def numbers(client: TestClient) -> list[int]:
    return [each["number"] for each in client.get("/api/v1/builder/apps/shop/versions").json()["items"]]


@pytest.mark.usefixtures("two_versions")
def test_the_versions_lead_to_what_going_back_would_change(client: TestClient) -> None:
    listed, shown = client.get(VERSIONS).text, client.get(FIRST).text

    assert f'href="{FIRST}"' in listed
    assert "/build/versions/2" not in listed
    assert "What would be different" in shown
    assert "remark" in shown.lower()
    assert 'name="accept_losses"' in shown


@pytest.mark.usefixtures("two_versions")
def test_going_back_asks_for_a_yes_to_what_is_lost_and_happens_once(client: TestClient) -> None:
    page = client.get(FIRST).text

    refused = press(client, FIRST, page)
    agreed = [press(client, FIRST, page, accept_losses="yes") for _ in range(2)]

    assert refused.status_code == 409
    assert "error-summary" in refused.text
    assert [(each.status_code, each.headers["location"]) for each in agreed] == [(303, VERSIONS)] * 2
    assert numbers(client) == [3, 2, 1]
    assert "remark" not in str(client.get("/api/v1/builder/apps/shop/versions/3").json()["document"])


def test_a_story_that_is_not_true_stops_the_way_back(install: Install, services: Services, client: TestClient) -> None:
    import_app(services, BUILDER, told(9), skip_stories=True)
    install(shop(title="Stall"))

    answer = press(client, FIRST, client.get(FIRST).text)

    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert numbers(client) == [2, 1]


@pytest.mark.usefixtures("two_versions")
@pytest.mark.parametrize(("number", "status"), [("9", 404), ("0", 422), ("99999999999999999999", 422), ("x", 422)])
def test_a_version_that_is_none_is_refused(client: TestClient, number: str, status: int) -> None:
    assert client.get(f"/apps/shop/build/versions/{number}").status_code == status


@pytest.mark.usefixtures("two_versions")
def test_a_slow_list_is_said_and_its_index_goes_into_the_draft(client: TestClient, services: Services) -> None:
    services.slow_lists.slow_after = 0.0
    with transaction.read(services, system("test")) as tx:
        reading.list_records(tx, services.apps.live(tx, "shop"), "order", ListQuery(filter="code == 'x'"))
    moment = services.clock() + timedelta(minutes=2)
    services.clock = lambda: moment
    with transaction.read(services, system("test")):
        pass
    page = client.get("/apps/shop/build").text

    pressed = press(client, "/apps/shop/build/index", page, form="order", field="code")
    unknown = press(client, "/apps/shop/build/index", page, form="order", field="nothing")

    assert "filtered or sorted 1 time" in page
    assert pressed.status_code == 303
    draft = client.get("/api/v1/builder/apps/shop/draft").json()["document"]
    assert field_of(draft, "code")["indexed"] is True
    assert "in the draft" in client.get("/apps/shop/build").text
    assert unknown.status_code == 404
