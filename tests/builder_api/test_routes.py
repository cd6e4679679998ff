"""The builder's HTTP: drafts with versions, check, publish, versions, rollback, impact, catalogue and schema."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from runtime.services import Services
from tests.builder_api.conftest import Install, field_of, hire, order_fields, shop, sign_in

DRAFT = "/api/v1/builder/apps/shop/draft"


def test_a_new_app_goes_from_draft_to_live(client: TestClient) -> None:
    put = client.put(DRAFT, json={"document": shop()})
    assert (put.status_code, put.json()["version"]) == (200, 1)

    checked = client.post("/api/v1/builder/apps/shop/check", json={}).json()
    assert (checked["ok"], checked["problems"]) == (True, [])
    assert checked["steps"][0].startswith("create table")

    published = client.post("/api/v1/builder/apps/shop/publish", json={"version": 1})
    assert published.json() == {"app": "shop", "number": 1, "changed": True, "converted": []}
    assert client.get("/api/v1/builder/apps").json()["items"][0]["app"] == "shop"


def test_an_unfinished_draft_may_be_stored_but_not_published(client: TestClient) -> None:
    unfinished = shop()
    unfinished["forms"][0]["fields"][0]["tpye"] = "text"

    assert client.put(DRAFT, json={"document": unfinished}).status_code == 200
    refused = client.post("/api/v1/builder/apps/shop/publish", json={})

    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_key")
    assert refused.json()["errors"][0]["path"] == "/forms/0/fields/0/tpye"
    assert client.get("/api/v1/builder/apps/shop/versions").status_code == 404


def test_an_app_whose_story_does_not_come_true_is_not_published(client: TestClient) -> None:
    steps = [
        {"ann": "saves", "form": "order", "values": {"title": "First", "amount": 4}, "as": "order"},
        {"then": "record", "order": {"double": 9}},
    ]
    story = {"name": "twice four is nine", "people": {"ann": ["clerk"]}, "steps": steps}
    client.put(DRAFT, json={"document": shop(stories=[story])})

    refused = client.post("/api/v1/builder/apps/shop/publish", json={})
    forced = client.post("/api/v1/builder/apps/shop/publish", json={"skip_stories": True})

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/stories/0/steps/1")
    assert forced.json()["number"] == 1


def test_problems_are_said_in_chinese_to_those_who_read_chinese(client: TestClient, services: Services) -> None:
    hire(services, "hui", frozenset({"app_admin"}), language="zh")
    sign_in(client, "hui")

    answer = client.post("/api/v1/builder/apps/shop/check", json={"document": shop(colour="red")})

    assert answer.json()["problems"][0]["message"] == "此处没有“colour”这个键"


def test_a_draft_is_changed_only_by_who_has_seen_it(client: TestClient) -> None:
    assert client.put(DRAFT, json={"document": shop()}).headers["etag"] == '"shop.1"'

    assert client.put(DRAFT, json={"document": shop()}).status_code == 428
    assert client.put(DRAFT, json={"document": shop(), "version": 7}).json()["code"] == "version_conflict"
    assert client.put(DRAFT, json={"document": shop()}, headers={"If-Match": '"shop.1"'}).status_code == 200
    assert client.get(DRAFT).json()["version"] == 2


def test_places_of_a_draft_are_changed_by_pointer(client: TestClient) -> None:
    client.put(DRAFT, json={"document": shop()})
    changes = [
        {"op": "add", "path": "/forms/0/fields/-", "value": {"name": "city", "type": "text"}},
        {"op": "replace", "path": "/forms/1/fields/1/decimals", "value": 3},
        {"op": "remove", "path": "/reports/0/where"},
    ]

    patched = client.patch(DRAFT, json={"changes": changes, "version": 1}).json()

    document = patched["document"]
    assert document["forms"][0]["fields"][1]["name"] == "city"
    assert document["forms"][1]["fields"][1]["decimals"] == 3
    assert "where" not in document["reports"][0]


@pytest.mark.parametrize(
    "change",
    [
        {"op": "add", "path": "/forms/99/title", "value": 1},
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "forms", "value": 1},
        {"op": "move", "path": "/forms/0"},
        {"path": "/forms/0"},
        {"op": "remove", "path": ""},
        {"op": "add", "path": "/forms/-1", "value": 1},
        {"op": "add", "path": "/app/x", "value": 1},
    ],
)
def test_a_change_that_leads_nowhere_is_refused(client: TestClient, change: dict[str, Any]) -> None:
    client.put(DRAFT, json={"document": shop()})

    refused = client.patch(DRAFT, json={"changes": [change], "version": 1})

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/changes/0")
    assert client.get(DRAFT).json()["version"] == 1


def test_a_rename_in_a_draft_is_followed_at_once(client: TestClient, install: Install) -> None:
    install(shop())
    document = client.get(DRAFT).json()["document"]
    field_of(document, "amount")["name"] = "price"

    stored = client.put(DRAFT, json={"document": document}).json()["document"]

    assert field_of(stored, "double")["formula"] == "price * 2"


def test_what_publishing_would_lose_is_shown_and_asked_for(client: TestClient, install: Install) -> None:
    install(shop(rules=[]))
    document = shop(rules=[])
    order_fields(document).remove(field_of(document, "code"))
    client.put(DRAFT, json={"document": document})

    checked = client.post("/api/v1/builder/apps/shop/check", json={}).json()
    refused = client.post("/api/v1/builder/apps/shop/publish", json={})
    agreed = client.post("/api/v1/builder/apps/shop/publish", json={"accept_losses": True})

    assert [loss["code"] for loss in checked["losses"]] == ["field_hidden"]
    assert (refused.status_code, refused.json()["code"]) == (409, "losses_need_consent")
    assert agreed.json()["number"] == 2


def test_the_way_back_to_an_earlier_version_is_a_new_version(client: TestClient, install: Install) -> None:
    install(shop())
    install(shop(title="Second"))

    back = client.post("/api/v1/builder/apps/shop/rollback", json={"number": 1}).json()

    listed = client.get("/api/v1/builder/apps/shop/versions").json()["items"]
    assert back["number"] == 3
    assert [(version["number"], version["live"]) for version in listed] == [(3, True), (2, False), (1, False)]
    assert "title" not in client.get("/api/v1/builder/apps/shop/versions/3").json()["document"]


def test_one_rule_can_go_back_alone(client: TestClient, install: Install) -> None:
    install(shop())
    document = shop(title="Second")
    document["rules"][0]["enabled"] = False
    install(document)
    rule = client.get(DRAFT).json()["document"]["rules"][0]["id"]

    client.post("/api/v1/builder/apps/shop/rollback", json={"number": 1, "part": rule})

    now = client.get(DRAFT).json()["document"]
    assert (now["title"], "enabled" in now["rules"][0]) == ("Second", False)


def test_a_version_says_what_it_changed(client: TestClient, install: Install) -> None:
    install(shop())
    document = shop(reports=[])
    document["roles"].append("boss")
    field_of(document, "amount")["required"] = True
    install(document)

    changes = client.get("/api/v1/builder/apps/shop/versions/2").json()["changes"]

    assert [(each["section"], each["name"], each["change"]) for each in changes] == [
        ("roles", "boss", "added"),
        ("forms", "order", "changed"),
        ("reports", "by_customer", "removed"),
    ]


def test_impact_lists_every_place_that_uses_a_field(client: TestClient, install: Install) -> None:
    install(shop())
    amount = field_of(client.get(DRAFT).json()["document"], "amount")["id"]

    items = client.get("/api/v1/builder/apps/shop/impact", params={"id": amount}).json()["items"]

    assert {item["path"] for item in items} == {
        "/forms/1/fields/6/formula",
        "/forms/1/columns/1/field",
        "/rules/0/if/all/0",
        "/rules/0/then/0/values/title",
        "/reports/0/where",
        "/reports/0/measures/0/sum",
        "/access/0/where",
    }


def test_the_catalogue_and_the_schema_come_from_the_registered_kinds(client: TestClient) -> None:
    catalogue = client.get("/api/v1/builder/catalogue").json()
    schema = client.get("/api/v1/builder/schema.json").json()

    names = {kind["name"] for kind in catalogue["fields"]}
    assert {"text", "money", "link", "subform"} <= names
    assert {"notify", "set"} <= {kind["name"] for kind in catalogue["actions"]}
    assert any(function["name"].lower() == "round" for function in catalogue["functions"])
    assert "AnyField" in schema["$defs"]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_only_builders_touch_drafts(client: TestClient, services: Services, method: str) -> None:
    hire(services, "ann", frozenset())
    sign_in(client, "ann")

    answer = client.request(method, DRAFT, json={"document": {}, "changes": [{}]} if method != "get" else None)

    assert answer.status_code == 403


@pytest.mark.parametrize("app", ["Shop", "shop-2", "class", "x" * 60, "a__b"])
def test_an_app_cannot_be_called_anything(client: TestClient, app: str) -> None:
    answer = client.put(f"/api/v1/builder/apps/{app}/draft", json={"document": shop()})

    assert answer.status_code == 422


def test_a_draft_of_one_app_cannot_describe_another(client: TestClient) -> None:
    client.put("/api/v1/builder/apps/other/draft", json={"document": shop()})

    refused = client.post("/api/v1/builder/apps/other/publish", json={})

    assert refused.json()["code"] == "other_app"
