"""A page's form that comes twice happens once; with other content it is another request, and a person is asked."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from metadata.names import is_name
from runtime import organisation
from runtime.services import Services
from runtime.transaction import run
from runtime.web.visit import CONFIRMING, FORM_KEY

NOTES = {
    "format": 1,
    "app": "notes",
    "roles": [{"id": "r_writer", "name": "writer"}],
    "forms": [
        {
            "id": "t_note",
            "name": "note",
            "label": "{{topic}}",
            "fields": [
                {"id": "f_topic", "name": "topic", "type": "text", "required": True},
                {"id": "f_text", "name": "text", "type": "text"},
                {"id": "f_scan", "name": "scan", "type": "attachment"},
            ],
        }
    ],
    "access": [{"role": "writer", "form": "note", "may": ["create", "read", "update", "delete", "restore"]}],
}
FORM = "/apps/notes/forms/note"


class Desk:
    """A writer at her browser."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def draw(self, path: str) -> dict[str, str]:
        """The hidden part of a form, as a page draws it."""
        page = self.client.get(path).text
        found = re.findall(r'name="(csrf|idempotency-key|version)" value="([^"]*)"', page)
        return dict(reversed(found))  # the first form of the page

    def send(self, path: str, data: dict[str, str], **more: Any) -> Any:
        return self.client.post(path, data=data, headers={"HX-Request": "true"}, **more)

    def records(self) -> list[dict[str, Any]]:
        items = self.client.get("/api/v1/apps/notes/forms/note/records?sort=id").json()["items"]
        return [each["values"] for each in items]


@pytest.fixture
def desk(services: Services, hire: Callable[..., int], client: TestClient, sign_in: Callable[[str], Any]) -> Desk:
    import_document(services, NOTES)
    writer = hire("Wanda")
    run(services, system("test"), lambda tx: organisation.grant_role(tx, "notes", "r_writer", writer))
    sign_in("Wanda")
    return Desk(client)


def went(answer: Any) -> str:
    return str(answer.headers["HX-Redirect"])


def test_each_drawing_of_a_form_has_a_key_of_its_own(desk: Desk) -> None:
    first, second = desk.draw(f"{FORM}/new"), desk.draw(f"{FORM}/new")

    assert first["idempotency-key"] != second["idempotency-key"]


def test_a_form_that_comes_twice_makes_one_record(desk: Desk) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer"}

    first, again = desk.send(f"{FORM}/new", form), desk.send(f"{FORM}/new", form)

    assert went(again) == went(first)
    assert len(desk.records()) == 1


def test_a_file_that_comes_twice_is_known_by_what_is_in_it(desk: Desk) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer"}

    for _ in range(2):
        desk.send(f"{FORM}/new", form, files={"scan": ("a.txt", b"the same", "text/plain")})
    other = desk.send(f"{FORM}/new", form, files={"scan": ("a.txt", b"not same", "text/plain")})

    assert len(desk.records()) == 1
    assert len(desk.records()[0]["scan"]) == 1
    assert other.status_code == 409


def test_a_refused_form_is_corrected_and_sent_under_the_same_key(desk: Desk) -> None:
    form = desk.draw(f"{FORM}/new")

    refused = desk.send(f"{FORM}/new", {**form, "topic": ""})
    corrected = desk.send(f"{FORM}/new", {**form, "topic": "Offer"})

    assert refused.status_code == 422
    assert went(corrected).startswith(FORM)
    assert len(desk.records()) == 1


def test_a_saved_form_with_another_content_asks_which_record_is_meant(desk: Desk) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer"}
    first = went(desk.send(f"{FORM}/new", form))

    asked = desk.send(f"{FORM}/new", {**form, "topic": "Tender"})

    assert asked.status_code == 409
    assert f'href="{first}"' in asked.text
    assert "Offer" in asked.text
    assert len(desk.records()) == 1


def test_another_record_is_saved_once_however_often_it_is_asked_for(desk: Desk) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer"}
    first = went(desk.send(f"{FORM}/new", form))
    other = {**form, "topic": "Tender", "save-another": "yes"}

    second, again = went(desk.send(f"{FORM}/new", other)), went(desk.send(f"{FORM}/new", other))

    assert second == again != first
    assert [each["topic"] for each in desk.records()] == ["Offer", "Tender"]


def test_a_repeated_change_is_no_conflict_with_itself(desk: Desk) -> None:
    record = went(desk.send(f"{FORM}/new", {**desk.draw(f"{FORM}/new"), "topic": "Offer"}))
    form = {**desk.draw(f"{record}/edit"), "topic": "Offer", "text": "one"}

    first, again = desk.send(f"{record}/edit", form), desk.send(f"{record}/edit", form)

    assert went(first) == went(again) == record
    assert desk.client.get(f"/api/v1{record.replace('note/', 'note/records/')}").json()["version"] == 2


def test_who_goes_back_and_changes_more_is_not_in_his_own_way(desk: Desk) -> None:
    record = went(desk.send(f"{FORM}/new", {**desk.draw(f"{FORM}/new"), "topic": "Offer"}))
    form = {**desk.draw(f"{record}/edit"), "topic": "Offer"}
    desk.send(f"{record}/edit", {**form, "text": "one"})

    changed = {**form, "text": "two"}
    again = [desk.send(f"{record}/edit", changed) for _ in range(2)]

    assert [went(each) for each in again] == [record, record]
    assert [each["text"] for each in desk.records()] == ["two"]


def test_what_somebody_else_saved_since_is_still_a_conflict(desk: Desk) -> None:
    record = went(desk.send(f"{FORM}/new", {**desk.draw(f"{FORM}/new"), "topic": "Offer"}))
    form = {**desk.draw(f"{record}/edit"), "topic": "Offer"}
    desk.send(f"{record}/edit", {**form, "text": "one"})
    desk.send(f"{record}/edit", {**desk.draw(f"{record}/edit"), "topic": "Offer", "text": "theirs"})

    late = desk.send(f"{record}/edit", {**form, "text": "two"})

    assert late.status_code == 412
    assert [each["text"] for each in desk.records()] == ["theirs"]


def test_who_lost_the_right_to_create_is_not_told_what_was_saved(desk: Desk, services: Services) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer"}
    desk.send(f"{FORM}/new", form)
    access = [{"role": "writer", "form": "note", "may": ["delete"]}]
    import_document(services, {**NOTES, "access": access})

    same, other = desk.send(f"{FORM}/new", form), desk.send(f"{FORM}/new", {**form, "topic": "Tender"})

    assert other.status_code == 403
    assert "Offer" not in other.text + same.text
    assert desk.client.get(went(same)).status_code == 404 if same.status_code == 200 else same.status_code == 403


def test_a_second_deletion_is_answered_like_the_first(desk: Desk) -> None:
    record = went(desk.send(f"{FORM}/new", {**desk.draw(f"{FORM}/new"), "topic": "Offer"}))
    form = desk.draw(record)

    answers = [desk.send(f"{record}/delete", form) for _ in range(2)]

    assert [went(each) for each in answers] == [FORM, FORM]


def test_a_form_without_a_key_is_saved_each_time(desk: Desk) -> None:
    form = {"csrf": desk.draw(f"{FORM}/new")["csrf"], "topic": "Offer"}

    for _ in range(2):
        desk.send(f"{FORM}/new", form)

    assert len(desk.records()) == 2


@pytest.mark.parametrize("key", ["x" * 129, "schlüssel", "\ud7ff"])
def test_a_key_that_is_none_is_refused(desk: Desk, key: str) -> None:
    form = {**desk.draw(f"{FORM}/new"), "topic": "Offer", "idempotency-key": key}

    assert desk.send(f"{FORM}/new", form).status_code == 422


def test_what_a_form_says_beside_its_fields_is_called_as_no_field_can_be() -> None:
    assert not [name for name in (FORM_KEY, *CONFIRMING) if is_name(name)]
