"""The JSON editor: nothing that was typed is lost, each button works once, and a long pause is said before."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from runtime.services import Services
from tests.builder_api.conftest import Install, field_of, hire, shop, sign_in

EDITOR, SAVE = "/apps/shop/build?tab=json", "/apps/shop/build/draft"


@pytest.fixture
def installed(install: Install) -> None:
    install(shop(rules=[]))


@pytest.mark.usefixtures("installed")
def test_a_draft_is_saved_checked_and_published(client: TestClient) -> None:
    hidden, document = _hidden(client.get(EDITOR).text), shop(rules=[], title="Stall")
    document["forms"][0]["fields"].append({"id": "f_hue", "name": "hue", "type": "text", "title": "Hue"})

    saved = _send(client, hidden, document)
    published = _send(client, _hidden(saved.text), document, then="publish")

    assert "What publishing would do" in saved.text
    assert "A column for “Hue” of “" in saved.text
    assert (published.status_code, published.headers["location"]) == (303, EDITOR)
    assert "Stall" in client.get("/apps/shop/build").text


@pytest.mark.usefixtures("installed")
def test_pressing_publish_twice_publishes_once(client: TestClient) -> None:
    hidden = _hidden(client.get(EDITOR).text)

    answers = [_send(client, hidden, shop(rules=[], title="Stall"), then="publish") for _ in range(2)]

    listed = client.get("/api/v1/builder/apps/shop/versions").json()["items"]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert [version["number"] for version in listed] == [2, 1]


@pytest.mark.usefixtures("installed")
def test_who_saves_over_somebody_else_keeps_his_text_and_sees_theirs(client: TestClient) -> None:
    hidden = _hidden(client.get(EDITOR).text)
    _send(client, hidden, shop(rules=[], title="Their stall"))

    refused = _send(client, hidden, shop(rules=[], title="My stall"))

    mine = re.search(r'<textarea class="input json" id="document".*?</textarea>', refused.text, re.S)
    assert refused.status_code == 412
    assert mine is not None and "My stall" in mine[0] and "Their stall" not in mine[0]
    assert re.search(r'data-mark="theirs"><del>[^<]*Their stall', refused.text)
    assert re.search(r'data-mark="mine"><ins>[^<]*My stall', refused.text)
    assert "bea has saved the draft meanwhile" in refused.text


@pytest.mark.usefixtures("installed")
def test_having_seen_theirs_one_may_save_over_it(client: TestClient) -> None:
    hidden = _hidden(client.get(EDITOR).text)
    _send(client, hidden, shop(rules=[], title="Their stall"))
    refused = _send(client, hidden, shop(rules=[], title="My stall"))

    saved = _send(client, _hidden(refused.text), shop(rules=[], title="My stall"))

    assert saved.status_code == 200
    assert client.get("/api/v1/builder/apps/shop/draft").json()["document"]["title"] == "My stall"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("language", "said"), [("en", "Not JSON at line 2, column 3"), ("zh", "第 2 行第 3 列不是有效的 JSON")]
)
def test_text_that_is_no_json_is_kept_and_its_place_is_named(
    client: TestClient, services: Services, language: str, said: str
) -> None:
    hire(services, "hui", frozenset({"app_admin"}), language=language)
    sign_in(client, "hui")
    hidden = _hidden(client.get(EDITOR).text)

    refused = client.post(SAVE, data={**hidden, "document": "{\n  oops}", "then": "check"})

    assert refused.status_code == 400
    assert said in refused.text
    assert "oops}" in refused.text
    assert _hidden(refused.text)["version"] == hidden["version"]


@pytest.mark.usefixtures("installed")
def test_after_a_refused_publish_the_same_editor_publishes_once_it_is_right(client: TestClient) -> None:
    document = shop(rules=[])
    document["forms"][1]["fields"].remove(field_of(document, "code"))
    hidden = _hidden(client.get(EDITOR).text)

    refused = _send(client, hidden, document, then="publish")
    again = {**_hidden(refused.text), "key": hidden["key"], "accept_losses": "yes"}  # also from an editor not redrawn
    agreed = _send(client, again, document, then="publish")

    assert (refused.status_code, agreed.status_code) == (409, 303)
    assert 'name="accept_losses"' in refused.text


@pytest.mark.usefixtures("installed")
def test_consent_to_one_thing_is_never_shown_as_consent_to_another(client: TestClient) -> None:
    document = shop(rules=[])
    document["forms"][1]["fields"].remove(field_of(document, "code"))
    hidden = _hidden(client.get(EDITOR).text) | {"maintenance": "yes"}

    refused = _send(client, hidden, document, then="publish")

    boxes = dict(re.findall(r'<input type="checkbox" id="([a-z-]+)"[^>]*value="yes"( checked)?>', refused.text))
    assert refused.status_code == 409
    assert boxes == {"maintenance": " checked", "accept-losses": ""}  # known by their ids, where a page is redrawn


def _hidden(page: str) -> dict[str, str]:
    """The hidden fields of the editor."""
    form = page[page.index('id="json-editor"') :]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: found[name] for name in ("csrf", "version", "key")}


def _send(client: TestClient, hidden: dict[str, str], document: dict[str, Any], then: str = "check") -> Any:
    data = {**hidden, "document": json.dumps(document, indent=2), "then": then}
    return client.post(SAVE, data=data, follow_redirects=False)
