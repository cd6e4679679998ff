"""Requests that no honest client sends: each gets a clear refusal, nothing changes, and nobody learns anything."""

from typing import Any

import pytest

from tests.attacks.conftest import HOST, Installation

MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
JSON = {"content-type": "application/json"}
BODIES = {
    "broken": b"{",
    "nothing": b"",
    "an array": b"[]",
    "null": b"null",
    "twice the same key": b'{"values": {"name": "a", "name": "b"}}',
    "NaN": b'{"values": {"amount": NaN}}',
    "Infinity": b'{"values": {"amount": -Infinity}}',
    "a long number": b'{"values": {"amount": ' + b"9" * 5_000 + b"}}",
    "an endless exponent": b'{"values": {"amount": 1e999999999}}',
    "broken UTF-8": b'{"values": {"name": "\xff\xfe"}}',
    "half a character": b'{"values": {"name": "\\ud800"}}',
    "NUL": b'{"values": {"name": "a\\u0000b"}}',
    "a mark before it": b"\xef\xbb\xbf{}",
    "UTF-16": '{"values": {}}'.encode("utf-16"),
    "deep": b'{"values":' * 3_000 + b"1" + b"}" * 3_000,
    "deep lists": b"[" * 100_000,
    "huge": b'{"values": {"name": "' + b"a" * 3_000_000 + b'"}}',
    "prototype": b'{"__proto__": {"x": 1}, "constructor": 1}',
}
WRONG = (None, True, 1, -1, 1.5, 10**30, "", "²", "x" * 20_000, [], [1], [[]], {}, {"$gt": ""}, "\u202e", "9" * 400)
NOT_MINE = {
    "id": "1",
    "version": 7,
    "created_at": "2020-01-01T00:00:00Z",
    "created_by": "1",
    "updated_at": "2020-01-01T00:00:00Z",
    "deleted_at": "2020-01-01T00:00:00Z",
    "owner": "1",
    "department": "1",
    "pipeline": 5,
    "open_opportunities": 5,
    "credit_limit": 5,
    "no_such_field": 5,
    "__class__": 5,
    "f_name": 5,
    "deleted": True,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_none_is_refused(filled: Installation, name: str) -> None:
    for place in (filled.place("opportunity"), f"/api/v1/tasks/{next(iter(filled.tasks.values()))}/approve"):
        answer = filled.browser("sam").post(place, content=BODIES[name], headers=JSON)
        assert_refused(answer)
        assert answer.status_code in (400, 413, 422), answer.text


def test_a_field_takes_only_values_of_its_type(filled: Installation) -> None:
    for form in ("opportunity", "contract", "customer", "lead", "task"):
        for field in filled.app.form(form).fields.values():
            for value in WRONG:
                answer = filled.browser("dora").post(filled.place(form), json={"values": {field.name: value}})
                assert answer.status_code in (201, 400, 403, 409, 422), (form, field.name, value, answer.text[:300])


def test_nobody_writes_what_is_not_his_to_write(filled: Installation) -> None:
    sam, place = filled.browser("sam"), f"{filled.place('customer')}/{filled.id('sam_customer')}"
    before = sam.get(place).json()
    told: dict[str, Any] = {}
    for name, value in NOT_MINE.items():
        answer = sam.patch(place, json={"values": {name: value}, "version": before["version"]})
        assert_refused(answer)
        told[name] = (answer.status_code, [each["code"] for each in answer.json()["errors"]])
    assert told["credit_limit"] == told["no_such_field"]  # what he cannot see does not exist
    for extra in ("owner", "id", "created_by", "labels"):
        assert_refused(sam.patch(place, json={"values": {}, "version": before["version"], extra: "1"}))
    assert sam.get(place).json() == before


def test_what_belongs_to_others_leads_nowhere(filled: Installation) -> None:
    sam, zoe = filled.browser("sam"), filled.browser("zoe")
    session = zoe.get("/api/v1/sessions").json()["items"][0]["id"]
    key = zoe.post("/api/v1/keys", json={"name": "mine"}).json()["id"]
    notice = [each["id"] for each in filled.browser("sol").get("/api/v1/notifications").json()["items"]]
    customer, contract = filled.id("zoe_customer"), filled.id("zoe_big")
    tried = [
        ("delete", f"/api/v1/sessions/{session}", None),
        ("delete", f"/api/v1/keys/{key}", None),
        ("get", f"/api/v1/files/{filled.files['zoe_big']}", None),
        ("get", f"{filled.place('customer')}/{customer}", None),
        ("patch", f"{filled.place('customer')}/{customer}", {"values": {"name": "mine"}, "version": 1}),
        ("delete", f"{filled.place('customer')}/{customer}", None),
        ("post", f"{filled.place('customer')}/{customer}/restore", {}),
        ("post", f"{filled.place('customer')}/{customer}/assign", {"owner": str(filled.people["sam"]), "version": 1}),
        ("get", f"{filled.place('customer')}/{customer}/history", None),
        ("get", f"{filled.place('contract')}/{contract}/traces", None),
        ("post", "/api/v1/apps/crm/flows/contract_approval/instances", {"record": filled.id("zoe_draft")}),
        *[("get", f"/api/v1/tasks/{each}", None) for each in filled.tasks.values()],
        *[("post", f"/api/v1/tasks/{each}/approve", {"version": 1}) for each in filled.tasks.values()],
        *[("post", f"/api/v1/notifications/{each}/read", None) for each in notice[:1]],
    ]
    before = zoe.get(f"{filled.place('customer')}/{customer}").json()
    for method, place, body in tried:
        answer = sam.request(method, place, json=body)
        assert answer.status_code in (403, 404, 412, 428) or "notifications" in place, (method, place, answer.text)
        assert "CNRY" not in answer.text
    assert zoe.get("/api/v1/me").status_code == 200
    assert zoe.get(f"{filled.place('customer')}/{customer}").json() == before
    assert filled.browser("sol").get("/api/v1/notifications").json()["items"][0]["read_at"] is None
    files = {"values": {"files": [filled.files["zoe_big"]]}, "version": 1}
    assert_refused(sam.patch(f"{filled.place('contract')}/{filled.id('sam_draft')}", json=files))


def test_a_link_to_what_one_may_not_see_is_a_link_to_nothing(filled: Installation) -> None:
    sam, place = filled.browser("sam"), filled.place("opportunity")
    hidden = sam.post(place, json={"values": {"name": "x", "customer": filled.id("zoe_customer")}})
    nothing = sam.post(place, json={"values": {"name": "x", "customer": "1042"}})
    assert hidden.status_code == nothing.status_code == 422
    assert hidden.json()["errors"] == nothing.json()["errors"]


def test_an_old_version_and_a_repeat_change_nothing(filled: Installation) -> None:
    sam, place = filled.browser("sam"), f"{filled.place('task')}/{filled.id('sam_task')}"
    version = sam.get(place).json()["version"]
    assert sam.patch(place, json={"values": {"done": True}, "version": version}).status_code == 200
    stale = sam.patch(place, json={"values": {"done": False}, "version": version})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    for wrong in (-1, 0, 10**30, "1", None, 1.5, True):
        assert_refused(sam.patch(place, json={"values": {"done": False}, "version": wrong}))
    body = {"values": {"subject": "once"}}
    once = {"Idempotency-Key": "attack-1"}
    first = sam.post(filled.place("task"), json=body, headers=once)
    again = sam.post(filled.place("task"), json=body, headers=once)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first.json()["id"], "true")
    other = sam.post(filled.place("task"), json={"values": {"subject": "twice"}}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    theirs = filled.browser("sol").post(filled.place("task"), json=body, headers=once)
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
    for key in ("", "x" * 129, "\x7f", "a\tb"):
        assert sam.post(filled.place("task"), json=body, headers={"Idempotency-Key": key}).status_code in (201, 422)


def test_a_decision_is_made_once(filled: Installation) -> None:
    gina = filled.browser("gina")
    task = filled.task_of("gina", "zoe_big")
    body = {"version": task["version"]}
    assert gina.post(f"/api/v1/tasks/{task['id']}/approve", json={"version": 99}).status_code in (409, 412)
    assert gina.post(f"/api/v1/tasks/{task['id']}/approve", json={**body, "values": {"cost": 1}}).status_code in (
        403,
        422,
    )
    assert gina.post(f"/api/v1/tasks/{task['id']}/approve", json=body).status_code == 200
    for operation in ("approve", "reject", "return", "resubmit"):
        assert gina.post(f"/api/v1/tasks/{task['id']}/{operation}", json=body).status_code in (409, 412, 422)


def test_other_sites_cannot_act_in_ones_name(filled: Installation) -> None:
    sam = filled.browser("sam")
    strangers = (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[broken"},
        {"origin": HOST + ".evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": HOST},
    )
    for headers in strangers:
        answer = sam.post(filled.place("task"), json={"values": {"subject": "x"}}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
    plain = sam.post(
        filled.place("task"), content=b'{"values": {"subject": "x"}}', headers={"content-type": "text/plain"}
    )
    assert plain.status_code == 415
    page = sam.post("/apps/crm/forms/task/new", data={"subject": "x"})  # without the token of the session
    assert page.status_code == 403
    moved = sam.post("/sign-in", headers={"host": "evil.example"}, data={"email": "x", "password": "y"})
    assert "evil.example" not in moved.text + str(moved.headers)


def test_a_session_that_was_planted_is_not_the_one_that_signs_in(filled: Installation) -> None:
    stranger = filled.stranger()
    stranger.cookies.set("fourfold", "A" * 43)
    told = {"email": "nobody@example.com", "password": "correct horse battery staple"}
    answer = stranger.post("/api/v1/session", json=told)
    assert answer.status_code == 201
    given = answer.headers["set-cookie"]
    assert "A" * 43 not in given
    assert "httponly" in given.lower()
    planted = filled.stranger()
    planted.cookies.set("fourfold", "A" * 43)
    assert planted.get("/api/v1/me").status_code == 401
    for cookie in ("", "²", "x" * 5_000, "\x80"):
        answer = planted.get("/api/v1/me", headers={"cookie": f"fourfold={cookie}".encode("latin-1")})
        assert answer.status_code == 401
    for secret in ("Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer " + "x" * 9_000, "bearer \x80"):
        assert planted.get("/api/v1/me", headers={"authorization": secret.encode("latin-1")}).status_code in (401, 431)


def test_files_are_neither_pages_nor_ways_out(filled: Installation) -> None:
    sam, place = filled.browser("sam"), "/api/v1/apps/crm/files"
    html, svg = b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    for name, content, kind in (
        ("../../etc/passwd", b"x", "text/plain"),
        ("a\x00b.txt", b"x", "text/plain"),
        ("gnp.\u202etxt.png", b"x", "image/png"),
        ("picture.png", html, "image/png"),
        ("picture.svg", svg, "image/svg+xml"),
        ("a" * 500 + ".txt", b"", "text/html"),
        ('x"; filename="y.html', b"x", "text/html"),
        ("\r\nSet-Cookie: a=b", b"x", "a/b\r\nx: y"),
        ("...", b"\xff\xd8\xff", "image/jpeg"),
    ):
        kept = sam.post(place, content=_multipart(name, content, kind), headers=MULTIPART)
        assert kept.status_code in (201, 400, 422), (name, kept.text)
        if kept.status_code == 201:
            assert not set(kept.json()["name"]) & set('/\\\x00\u202e\r\n"')
            got = sam.get(f"/api/v1/files/{kept.json()['id']}")
            assert got.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in got.headers["content-security-policy"]
            shown = got.headers["content-disposition"].startswith("inline")
            assert not (shown and content in (html, svg)), name
            assert got.headers["content-type"].split(";")[0] not in ("text/html", "image/svg+xml")
            assert filled.browser("zoe").get(f"/api/v1/files/{kept.json()['id']}").status_code == 404
    assert_refused(sam.post(place, files={"file": ("page.html", html, "text/html")}))
    for place in ("/api/v1/apps/crm/files", "/api/v1/apps/none/files"):
        assert_refused(
            sam.post(place, content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"})
        )
        assert_refused(sam.post(place, content=b"x", headers={"content-type": "multipart/form-data"}))


def _multipart(name: str, content: bytes, kind: str) -> bytes:
    """An upload as no honest client writes it: nothing is escaped."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


def test_what_people_write_is_never_run(filled: Installation) -> None:
    sam = filled.browser("sam")
    hostile = "{{ 7*191 }}{% for x in y %}<script>alert(1)</script><img src=x onerror=alert(1)> =1+1 ${7*191} #{7*191}"
    id = filled.create("sam", "hostile", "lead", company=hostile, province="other", contact_name="javascript:alert(1)")
    del filled.records["hostile"]
    for place in (
        f"/apps/crm/forms/lead/{id}",
        f"/apps/crm/forms/lead/{id}/edit",
        "/apps/crm/forms/lead",
        "/inbox",
        "/",
    ):
        page = sam.get(place, headers={"accept": "text/html"}).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "1337" not in page
        assert 'href="javascript:' not in page


def test_no_address_is_an_accident(filled: Installation) -> None:
    sam = filled.browser("sam")
    odd = (
        "²",
        "9223372036854775808",
        "9" * 5_000,
        "-1",
        "0",
        "1e5",
        "%2e%2e",
        "..;",
        "null",
        "%0d%0aX: y",
        "\u202e",
        "0x1",
    )
    records, forms, flow = filled.place("customer"), "/apps/crm/forms", "/api/v1/apps/crm/flows/contract_approval"
    for each in odd:
        for place in (
            *(f"{records}/{each}", f"{forms}/customer/{each}", f"{forms}/customer/{each}/edit", f"/todo/{each}"),
            *(f"/inbox/{each}", f"/admin/members/{each}", f"/api/v1/tasks/{each}", f"/api/v1/files/{each}"),
            *(f"/api/v1/apps/{each}/reports", f"/apps/{each}/forms/customer", f"/pick/crm/{each}", f"/static/x/{each}"),
            *(f"{forms}/customer/{each}/why?rule=strong_intention", f"/sign-in?next={each}", f"/language/{each}"),
            *(f"{flow}/instances/{each}", f"{forms}/customer/new?name={each}", f"{forms}/contact/new?customer={each}"),
            f"/apps/crm/build?part={each}&version={each}",
        ):
            for who in (sam, filled.browser("ada")):
                answer = who.get(place, headers={"accept": "text/html"}, follow_redirects=False)
                assert answer.status_code < 500, (place[:90], answer.text[-300:])
                assert not answer.headers.get("location", "").startswith(("//", "http", "\\"))


def assert_refused(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]
