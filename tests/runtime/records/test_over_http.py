"""Records over HTTP: the shapes, the headers, and what hostile requests get."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from engines.json_values import moment_text
from runtime import organisation, transaction
from runtime.services import Services
from tests.runtime.records.conftest import DEFINITION

RECORDS = "/api/v1/apps/office/forms/{form}/records"


class Api:
    """A client that is somebody."""

    def __init__(self, client: TestClient, sign_in: Callable[[str], Any]) -> None:
        self.client, self.sign_in = client, sign_in

    def act(self, name: str) -> "Api":
        self.sign_in(name)
        return self

    def call(self, method: str, form: str, place: str = "", **more: Any) -> Any:
        return self.client.request(method, RECORDS.format(form=form) + place, **more)

    def create(self, form: str, **values: Any) -> dict[str, Any]:
        answer = self.call("POST", form, json={"values": values})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture
def api(services: Services, client: TestClient, hire: Any, sign_in: Any) -> Api:
    access = [
        {"role": "seller", "form": "customer", "may": ["bulk"]},
        {"role": "director", "form": "deal", "may": ["assign"]},
        *DEFINITION["access"],
    ]
    import_document(services, {**DEFINITION, "access": access})
    for name, role in (("Sven", "r_seller"), ("Sara", "r_seller"), ("Dora", "r_director"), ("Nobody", None)):
        member = hire(name)
        if role is not None:
            grant = lambda tx, role=role, member=member: organisation.grant_role(tx, "office", role, member)  # noqa: E731
            transaction.run(services, system("test"), grant)
    return Api(client, sign_in)


def test_a_record_is_created_read_changed_and_deleted(api: Api) -> None:
    api.act("Dora")
    made = api.call("POST", "customer", json={"values": {"name": "Acme", "credit": 12.5, "tags": ["a"]}})
    assert made.status_code == 201
    assert made.headers["etag"] == f'"{made.json()["id"]}.1"'
    place = made.headers["location"]
    got = api.client.get(place)
    assert got.json()["values"] == made.json()["values"]
    assert (got.json()["values"]["credit"], got.json()["values"]["tags"]) == (12.5, ["a"])
    assert got.headers["cache-control"] == "no-store"
    changed = api.client.patch(place, json={"values": {"credit": 0.1}}, headers={"If-Match": got.headers["etag"]})
    assert (changed.status_code, changed.json()["version"], changed.json()["values"]["credit"]) == (200, 2, 0.1)
    stale = api.client.patch(place, json={"values": {"credit": 1}, "version": 1})
    assert (stale.status_code, stale.json()["code"], stale.json()["current_version"]) == (412, "version_conflict", 2)
    assert api.client.patch(place, json={"values": {"credit": 1}}).status_code == 428
    assert api.client.delete(place, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    assert api.client.get(place).status_code == 404
    trash = api.call("GET", "customer", "/trash").json()
    assert [each["id"] for each in trash["items"]] == [made.json()["id"]]
    assert api.client.post(f"{place}/restore", json={}).status_code == 200
    history = api.client.get(f"{place}/history").json()["items"]
    assert [each["operation"] for each in history] == ["restore", "delete", "update", "create"]
    assert history[2]["before"] == {"credit": 12.5}
    assert history[2]["by"]["name"] == "Dora"


def test_rows_labels_and_links_have_their_json(api: Api) -> None:
    api.act("Dora")
    customer = api.create("customer", name="Acme", level="A")
    deal = api.create("deal", title="one", customer=customer["id"], items=[{"what": "x", "price": 2.5, "qty": 2}])
    (row,) = deal["values"]["items"]
    assert (row["what"], row["qty"], row["line"], type(row["id"])) == ("x", 2, 5, str)
    assert deal["values"]["customer"] == customer["id"]
    assert (deal["labels"]["customer"], deal["labels"]["owner"]) == ("Acme", "Dora")
    page = api.call("GET", "deal", "?filter=total==5&fields=title,customer.level&expand=customer").json()
    (item,) = page["items"]
    assert item["values"] == {"title": "one", "customer.level": "A"}
    assert page["page"] == {"page": 1, "size": 50, "total": 1, "capped": False, "has_more": False, "cursor": None}
    expanded = api.call("GET", "deal", "?fields=customer&expand=customer").json()["items"][0]["expanded"]
    assert expanded["customer"]["values"]["name"] == "Acme"


def test_a_repeat_with_the_same_key_is_one_record(api: Api) -> None:
    api.act("Dora")
    headers = {"Idempotency-Key": "once"}
    first = api.call("POST", "customer", json={"values": {"name": "Acme"}}, headers=headers)
    again = api.call("POST", "customer", json={"values": {"name": "Acme"}}, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert api.call("GET", "customer").json()["page"]["total"] == 1


def test_bad_requests_are_told_what_is_wrong(api: Api) -> None:
    api.act("Dora")
    record = api.create("customer", name="Acme")
    place = f"/{record['id']}"
    for method, where, more, status, code in (
        ("GET", "?nonsense=1", {}, 422, None),
        ("GET", "?filter=name%20==", {}, 422, None),
        ("GET", "?filter=no_such==1", {}, 422, "unknown_field"),
        ("GET", "?sort=tags", {}, 422, "not_sortable"),
        ("GET", "?size=abc", {}, 422, None),
        ("GET", "?size=1000", {}, 422, "limit_exceeded"),
        ("GET", "/abc", {}, 404, "not_found"),
        ("GET", "/99999999999999999999", {}, 404, "not_found"),
        ("POST", "", {"json": {"value": {}}}, 422, None),
        ("POST", "", {"json": []}, 422, None),
        ("POST", "", {"json": {"values": []}}, 422, "object_expected"),
        (
            "POST",
            "",
            {"content": b'{"values": {"name": 1e999}}', "headers": {"content-type": "application/json"}},
            422,
            None,
        ),
        ("POST", "", {"json": {"values": {"name": "A" * 100_000}}}, 422, None),
        ("POST", "", {"json": {"values": {"name": "a\x00b"}}}, 422, None),
        ("POST", "", {"json": {"values": {"name": {"$gt": ""}}}}, 422, None),
        ("PATCH", place, {"json": {"values": {}, "version": "1"}}, 422, "bad_version"),
        ("PATCH", place, {"json": {"values": {}}, "headers": {"if-match": "junk"}}, 422, "bad_etag"),
        ("PATCH", place, {"json": {"values": {}}, "headers": {"if-match": '"1.1"'}}, 422, "bad_etag"),
        ("PATCH", place, {"json": {"values": {"name": "x"}}, "headers": {"if-match": "*"}}, 403, "scope_missing"),
        ("POST", "/bulk", {"json": {"action": "drop", "ids": []}}, 422, "bad_action"),
    ):
        answer = api.call(method, "customer", where, **more)
        assert answer.status_code in (status, 400 if status == 422 else status), (method, where, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        if code:
            assert code in {answer.json()["code"], *(each["code"] for each in answer.json()["errors"])}, answer.text


def test_what_one_has_no_access_to_does_not_exist(api: Api) -> None:
    record = api.act("Dora").create("customer", name="Acme")
    api.act("Nobody")
    hidden = api.call("GET", "customer", f"/{record['id']}")
    missing = api.call("GET", "customer", "/1")
    unknown_form = api.call("GET", "no_such_form", "/1")
    assert {hidden.status_code, missing.status_code, unknown_form.status_code} == {404}
    told = [{k: v for k, v in each.json().items() if k != "request_id"} for each in (hidden, missing, unknown_form)]
    assert told[0] == told[1] == told[2]
    api.client.cookies.clear()
    assert api.call("GET", "customer").status_code == 401


def test_many_records_change_at_once_when_their_number_is_confirmed(api: Api) -> None:
    api.act("Sven")
    for number in range(3):
        api.create("customer", name=f"Customer {number}", level="B")
    api.act("Sara").create("customer", name="Hers", level="B")
    api.act("Sven")
    asked = {"action": "update", "filter": "level == 'B'", "values": {"level": "C"}}
    assert api.call("POST", "customer", "/bulk", json=asked).json() == {"count": 3}
    wrong = api.call("POST", "customer", "/bulk", json={**asked, "expected_count": 4})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "count_changed")
    assert api.call("POST", "customer", "/bulk", json={**asked, "expected_count": 3}).status_code == 200
    assert api.call("GET", "customer", "?filter=level=='C'").json()["page"]["total"] == 3
    assert (
        api.call("POST", "customer", "/bulk", json={"action": "update", "filter": "", "values": {}}).status_code == 422
    )
    one = api.call("GET", "customer").json()["items"][0]["id"]
    chosen = {"action": "update", "ids": [one], "filter": "", "values": {"level": "A"}}
    assert api.call("POST", "customer", "/bulk", json=chosen).json() == {"count": 1}
    assert api.call("GET", "customer", f"/{one}").json()["values"]["level"] == "A"
    assert api.act("Dora").call("POST", "customer", "/bulk", json=asked).status_code == 403


def test_a_record_is_handed_over_by_who_may(api: Api) -> None:
    deal = api.act("Sven").create("deal", title="one")
    place = f"/{deal['id']}/assign"
    others = api.client.get("/api/v1/directory").json()["items"]
    sara = next(each["id"] for each in others if each["name"] == "Sara")
    assert api.call("POST", "deal", place, json={"owner": sara, "version": 1}).status_code == 403
    assert api.act("Dora").call("POST", "deal", place, json={"owner": sara, "version": 1}).status_code == 200
    assert api.call("POST", "deal", place, json={"owner": "12", "version": 2}).status_code == 422
    assert api.act("Sara").call("GET", "deal", f"/{deal['id']}").json()["owner"] == sara
    assert api.act("Sven").call("GET", "deal", f"/{deal['id']}").status_code == 404


def test_the_past_is_read_by_a_moment(api: Api, clock: Any) -> None:
    api.act("Dora")
    made = api.create("customer", name="Acme", tags=["a"])
    then = moment_text(clock())
    clock.move(hours=1)
    place = RECORDS.format(form="customer") + f"/{made['id']}"
    api.client.patch(place, json={"values": {"name": "Bolt"}, "version": 1})

    was = api.client.get(f"{place}?as_of={then}")
    assert (was.json()["version"], was.json()["values"]["name"]) == (1, "Acme")
    assert "etag" not in was.headers
    listed = api.call("GET", "customer", f"?as_of={then}&filter=name=='Acme'&fields=name,tags").json()
    assert [each["values"] for each in listed["items"]] == [{"name": "Acme", "tags": ["a"]}]
    assert api.call("GET", "customer", "?filter=name=='Acme'").json()["items"] == []
    for bad in ("yesterday", "2026-03-09", "2026-03-09T14:30:00", "9999-12-31T23:59:59-23:59", "2999-01-01T00:00:00Z"):
        answer = api.call("GET", "customer", f"?as_of={bad}")
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/as_of")
        assert answer.json()["errors"][0]["hint"]
    assert api.call("GET", "customer", f"/trash?as_of={then}").status_code == 422
    api.act("Sven")
    assert api.call("GET", "customer", f"?as_of={then}").status_code == 403


def test_who_i_am_names_my_roles(api: Api) -> None:
    assert api.act("Dora").client.get("/api/v1/me").json()["roles"] == {"office": ["director"]}
    assert api.act("Nobody").client.get("/api/v1/me").json()["roles"] == {}


def test_the_page_of_a_record_tells_of_its_rows(api: Api) -> None:
    api.act("Dora")
    deal = api.create("deal", title="one", items=[{"what": "Lathe", "price": 2}, {"what": "Drill", "price": 3}])
    lathe = {**deal["values"]["items"][0], "qty": 5}
    lathe.pop("line")
    place = RECORDS.format(form="deal") + f"/{deal['id']}"
    answer = api.client.patch(place, json={"values": {"items": [lathe]}, "version": 1})
    assert answer.status_code == 200, answer.text

    page = api.client.get(f"/apps/office/forms/deal/{deal['id']}", headers={"accept": "text/html"})

    told = page.text[page.text.index('class="changes"') :]
    assert "Lathe</dt><dd><del>" in told.replace("\n", "")
    assert "Drill" in told[told.index("<del>") :]
