"""Whichever way an app is published: check, stories, impact, switch; once, announced, and holding nothing meanwhile."""

from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from builder_api import drafts, stories, versions
from builder_api.packages import import_app
from builder_api.preparing import ROWS_WITHOUT_ASKING, Consent
from builder_api.publish import publish, publish_document, untrue_stories
from metadata.problems import Conflict, InvalidDefinition, Problem
from runtime.db import tables
from runtime.services import Services
from runtime.transaction import run
from tests.builder_api.conftest import BUILDER, Install, Save, field_of, order_fields, shop

PUBLISH, ROLLBACK = "/api/v1/builder/apps/shop/publish", "/api/v1/builder/apps/shop/rollback"
DRAFT = "/api/v1/builder/apps/shop/draft"


def told(double: int) -> dict[str, Any]:
    """The shop with a story that says what twice four is."""
    steps = [
        {"ann": "saves", "form": "order", "values": {"title": "First", "amount": 4}, "as": "order"},
        {"then": "record", "order": {"double": double}},
    ]
    return shop(stories=[{"name": "twice four", "people": {"ann": ["clerk"]}, "steps": steps}])


# --- one path for all ---


def test_an_import_tells_the_stories_first(services: Services) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        import_app(services, BUILDER, told(9))

    assert refused.value.problems[0].code == "story_untrue"
    assert _count(services, tables.manifest) == 0
    assert import_app(services, BUILDER, told(8)).number == 1


def test_an_import_in_an_emergency_leaves_the_stories_untold_and_says_so(services: Services) -> None:
    import_app(services, BUILDER, told(9), skip_stories=True)

    with services.database.read() as connection:
        detail = connection.scalar(sa.select(tables.audit.c.detail).where(tables.audit.c.action == "app_published"))
    assert detail["stories"] == "not told"


def test_a_rollback_tells_the_stories_of_the_version_that_is_wanted(services: Services) -> None:
    import_app(services, BUILDER, told(9), skip_stories=True)
    import_app(services, BUILDER, told(8))

    with pytest.raises(InvalidDefinition) as refused:
        versions.roll_back(services, BUILDER, "shop", 1, run_stories=untrue_stories)

    assert refused.value.problems[0].code == "story_untrue"
    assert versions.roll_back(services, BUILDER, "shop", 1).number == 3


def test_a_rollback_over_http_tells_them_unless_told_not_to(client: TestClient, services: Services) -> None:
    import_app(services, BUILDER, told(9), skip_stories=True)
    import_app(services, BUILDER, told(8))

    refused = client.post(ROLLBACK, json={"number": 1})
    forced = client.post(ROLLBACK, json={"number": 1, "skip_stories": True})

    assert (refused.status_code, refused.json()["code"]) == (422, "story_untrue")
    assert forced.json()["number"] == 3


def test_nothing_is_told_twice_where_nothing_changes(services: Services) -> None:
    import_app(services, BUILDER, told(8))

    again = publish_document(services, BUILDER, told(8), run_stories=_never)

    assert not again.changed


# --- nothing is held while stories are told ---


def test_no_connection_is_held_and_nobody_waits_while_stories_are_told(services: Services, save: Save) -> None:
    import_app(services, BUILDER, told(8))
    run(services, BUILDER, lambda tx: drafts.put(tx, "shop", {**told(8), "title": "New"}, None))
    seen = []

    def listen(_definition: Any) -> list[Problem]:
        seen.append(services.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        save("order", {"title": "Saved meanwhile"})
        return []

    publish(services, BUILDER, "shop", run_stories=listen)

    assert seen == [0]


def test_stories_that_take_too_long_are_stopped_by_name(services: Services) -> None:
    definition = import_app(services, BUILDER, told(8)) and services.apps
    with services.database.read() as connection:
        app = definition.live(connection, "shop")

    found = stories.problems_of(
        stories.tell(app.definition, lambda throw_away, _: publish_document(throw_away, BUILDER, told(8)), seconds=0)
    )

    assert [(str(each.path), each.code) for each in found] == [("/stories/0/steps/0", "stories_too_slow")]
    assert "twice four" in found[0].message["en"]  # type: ignore[index]


# --- once ---


def test_a_publish_that_is_sent_twice_happens_once(client: TestClient, services: Services) -> None:
    client.put(DRAFT, json={"document": told(8)})

    first = client.post(PUBLISH, json={}, headers={"Idempotency-Key": "k-1"})
    again = client.post(PUBLISH, json={}, headers={"Idempotency-Key": "k-1"})

    assert (first.status_code, first.json()["number"]) == (200, 1)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(services, tables.manifest) == 1


def test_a_rollback_that_is_sent_twice_happens_once(client: TestClient, services: Services, install: Install) -> None:
    install(shop())
    install(shop(title="Second"))

    answers = [client.post(ROLLBACK, json={"number": 1}, headers={"Idempotency-Key": "k-2"}) for _ in range(2)]

    assert [answer.json()["number"] for answer in answers] == [3, 3]
    assert _count(services, tables.manifest) == 3


def test_a_key_is_for_one_request_only(client: TestClient, install: Install) -> None:
    install(shop())
    install(shop(title="Second"))
    client.post(ROLLBACK, json={"number": 1}, headers={"Idempotency-Key": "k-3"})

    other = client.post(ROLLBACK, json={"number": 2}, headers={"Idempotency-Key": "k-3"})

    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_a_refused_publish_is_refused_again_under_its_key(client: TestClient) -> None:
    client.put(DRAFT, json={"document": told(9)})

    answers = [client.post(PUBLISH, json={}, headers={"Idempotency-Key": "k-4"}) for _ in range(2)]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(422, "story_untrue")] * 2
    assert answers[1].headers["Idempotency-Replayed"] == "true"


# --- a long publish is announced ---


def test_the_check_says_how_many_records_will_be_rewritten(client: TestClient, install: Install, save: Save) -> None:
    install(shop())
    save("order", {"title": "First", "amount": 5})
    document = shop()
    order_fields(document).append({"name": "triple", "type": "formula", "formula": "amount * 3"})

    checked = client.post("/api/v1/builder/apps/shop/check", json={"document": document}).json()

    assert (checked["records_to_convert"], checked["seconds"]) == (1, 1)
    assert checked["needs_maintenance"] is False


def test_a_long_pause_needs_consent(client: TestClient, services: Services, install: Install) -> None:
    install(shop(rules=[]))
    _fill(services, ROWS_WITHOUT_ASKING + 1)
    document = shop(rules=[])
    field_of(document, "state")["options"] = ["open", {"value": "settled", "was": ["paid"]}]
    client.put(DRAFT, json={"document": document})

    checked = client.post("/api/v1/builder/apps/shop/check", json={}).json()
    refused = client.post(PUBLISH, json={})
    agreed = client.post(PUBLISH, json={"maintenance": True})

    assert (checked["records_to_convert"], checked["needs_maintenance"]) == (ROWS_WITHOUT_ASKING + 1, True)
    assert (refused.status_code, refused.json()["code"]) == (409, "maintenance_needs_consent")
    assert refused.json()["records"] == ROWS_WITHOUT_ASKING + 1
    assert agreed.json()["number"] == 2


def test_consent_to_losses_is_no_consent_to_a_pause(services: Services, install: Install) -> None:
    install(shop(rules=[]))
    _fill(services, ROWS_WITHOUT_ASKING + 1)
    document = shop(rules=[])
    field_of(document, "code")["type"] = "number"

    with pytest.raises(Conflict) as refused:
        publish_document(services, BUILDER, document, consent=Consent(losses=True))

    assert refused.value.code == "maintenance_needs_consent"


def _fill(services: Services, count: int) -> None:
    """So many orders, written as they would lie there after years."""
    with services.database.read() as connection:
        form = services.apps.live(connection, "shop").form("order")
    state = form.table.c[str(form.field("state").column)]  # type: ignore[union-attr]
    rows = [{"id": number, "version": 1, state.name: "open"} for number in range(1, count + 1)]
    with services.database.write() as connection:
        connection.execute(sa.insert(form.table), rows)


def _never(_definition: Any) -> list[Problem]:
    raise AssertionError("the stories were told")


def _count(services: Services, table: sa.Table) -> int:
    with services.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
