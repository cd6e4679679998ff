"""Signing in: sessions, wrong passwords, delays, keys, and what ends them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from engines.actor import system
from runtime import organisation
from runtime.db import tables
from runtime.db.engine import Database
from runtime.identity import sessions, sign_in_delays
from runtime.organisation import members
from runtime.services import Services
from runtime.transaction import run
from runtime.web import health
from runtime.web.api import api_keys, session
from runtime.web.api import organisation as organisation_routes
from tests.runtime.conftest import PASSWORD, MovedClock

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (health, session, api_keys, organisation_routes)


def try_password(client: TestClient, password: str, email: str = "ada@example.com") -> int:
    return client.post("/api/v1/session", json={"email": email, "password": password}).status_code


def as_device(client: TestClient, token: str) -> None:
    client.cookies.clear()
    client.cookies.set("fourfold", token)


def test_who_signs_in_is_known_until_he_signs_out(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    ada = hire("Ada")

    assert sign_in("Ada")["member"] == str(ada)
    assert client.get("/api/v1/me").json()["name"] == "Ada"
    token = client.cookies["fourfold"]
    assert client.delete("/api/v1/session").status_code == 204

    as_device(client, token)
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, hire: Hire) -> None:
    hire("Ada")
    answer = client.post("/api/v1/session", json={"email": "ADA@example.com ", "password": PASSWORD, "remember": True})

    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "max-age=7776000" in cookie


def test_wrong_password_and_unknown_member_sound_the_same(client: TestClient, hire: Hire) -> None:
    hire("Ada")
    answers = [
        client.post("/api/v1/session", json={"email": email, "password": "not this one"}).json()
        for email in ("ada@example.com", "nobody@example.com")
    ]

    known, unknown = ({**answer, "request_id": ""} for answer in answers)
    assert known == unknown
    assert known["code"] == "sign_in_failed"


def test_guessing_is_slowed_down_and_the_owner_is_not_shut_out(
    client: TestClient, hire: Hire, clock: MovedClock
) -> None:
    hire("Ada")
    assert [try_password(client, "wrong guess") for _ in range(6)] == [401] * 5 + [429]
    refused = client.post("/api/v1/session", json={"email": "ada@example.com", "password": PASSWORD})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"

    clock.move(seconds=2)
    assert try_password(client, PASSWORD) == 201
    assert try_password(client, "wrong guess") == 401


def test_one_address_may_fail_thirty_times_a_minute(client: TestClient, hire: Hire, clock: MovedClock) -> None:
    hire("Ada")
    tries = [try_password(client, "guess", f"user{number}@example.com") for number in range(31)]
    assert tries == [401] * 30 + [429]

    clock.move(minutes=2)
    assert try_password(client, PASSWORD) == 201


def test_sessions_end_by_idleness_and_by_age(
    client: TestClient, hire: Hire, sign_in: SignIn, clock: MovedClock
) -> None:
    hire("Ada")
    sign_in("Ada")
    for _ in range(16):
        clock.move(hours=10)
        assert client.get("/api/v1/me").status_code == 200
    clock.move(hours=10)
    assert client.get("/api/v1/me").status_code == 401

    sign_in("Ada")
    clock.move(hours=13)
    assert client.get("/api/v1/me").status_code == 401


def test_a_changed_password_ends_every_other_session(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    sign_in("Ada")
    elsewhere = client.cookies["fourfold"]
    sign_in("Ada")
    body = {"old_password": PASSWORD, "password": "tiraus-kemolg-38"}

    assert client.post("/api/v1/me/password", json=body).status_code == 204
    assert client.get("/api/v1/me").status_code == 200
    as_device(client, elsewhere)
    assert client.get("/api/v1/me").status_code == 401
    assert try_password(client, PASSWORD) == 401
    assert try_password(client, "tiraus-kemolg-38") == 201


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password_length"), ("x" * 129, "password_length"), ("Password2026!", "password_common")],
)
def test_poor_passwords_are_refused_with_the_reason(
    client: TestClient, hire: Hire, sign_in: SignIn, password: str, code: str
) -> None:
    hire("Ada")
    sign_in("Ada")
    answer = client.post("/api/v1/me/password", json={"old_password": PASSWORD, "password": password})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == code


def test_the_twenty_first_session_ends_the_oldest(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    sign_in("Ada")
    first = client.cookies["fourfold"]
    for _ in range(20):
        sign_in("Ada")

    assert len(client.get("/api/v1/sessions").json()["items"]) == 20
    as_device(client, first)
    assert client.get("/api/v1/me").status_code == 401


def test_a_key_acts_for_its_owner_until_it_is_revoked(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    sign_in("Ada")
    made = client.post("/api/v1/keys", json={"name": "import", "scopes": ["read"], "days": 30}).json()
    with_key = {"Authorization": f"Bearer {made['key']}"}
    shown = client.get("/api/v1/keys").json()["items"]
    token = client.cookies["fourfold"]
    client.cookies.clear()

    assert client.get("/api/v1/me", headers=with_key).json()["scopes"] == ["read"]
    assert client.post("/api/v1/keys", json={"name": "more"}, headers=with_key).status_code == 403
    assert "key" not in shown[0] and "hash" not in shown[0]

    as_device(client, token)
    client.delete(f"/api/v1/keys/{made['id']}")
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=with_key).status_code == 401


def test_a_key_ends_on_its_day_and_outside_its_networks(
    client: TestClient, hire: Hire, sign_in: SignIn, clock: MovedClock
) -> None:
    hire("Ada")
    sign_in("Ada")
    made = client.post("/api/v1/keys", json={"name": "a", "days": 1}).json()
    far = client.post("/api/v1/keys", json={"name": "b", "networks": ["192.0.2.0/24"]}).json()
    client.cookies.clear()

    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {made['key']}"}).status_code == 200
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {far['key']}"}).status_code == 401
    clock.move(days=1)
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {made['key']}"}).status_code == 401


@pytest.mark.parametrize("body", [{"name": "a", "days": 400}, {"name": "a", "scopes": ["fly"]}, {"name": ""}])
def test_a_key_that_makes_no_sense_is_refused(client: TestClient, hire: Hire, sign_in: SignIn, body: dict) -> None:
    hire("Ada")
    sign_in("Ada")

    assert client.post("/api/v1/keys", json=body).status_code == 422


def test_nobody_lists_or_ends_what_is_not_his(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    hire("Bob")
    sign_in("Ada")
    key = client.post("/api/v1/keys", json={"name": "mine"}).json()
    session = client.get("/api/v1/sessions").json()["items"][0]

    sign_in("Bob")
    assert client.get("/api/v1/keys").json()["items"] == []
    assert client.delete(f"/api/v1/keys/{key['id']}").status_code == 404
    assert client.delete(f"/api/v1/sessions/{session['id']}").status_code == 404


def test_signing_in_leaves_a_trail(client: TestClient, hire: Hire, sign_in: SignIn, services: Services) -> None:
    hire("Ada")
    try_password(client, "wrong guess")
    sign_in("Ada")

    with services.database.read() as connection:
        told = connection.execute(select(tables.audit.c.action, tables.audit.c.result).order_by(tables.audit.c.seq))
        assert [tuple(row) for row in told] == [("sign_in", "failed"), ("sign_in", "ok")]


def test_an_office_signs_in_together(client: TestClient, hire: Hire, services: Services) -> None:
    for number in range(6):
        hire(f"Member{number}")

    with ThreadPoolExecutor(30) as office:
        codes = list(office.map(lambda i: try_password(client, PASSWORD, f"member{i % 6}@example.com"), range(30)))

    assert codes == [201] * 30
    with services.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.session)).scalar() == 30


def test_a_member_keeps_his_own_profile(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    sign_in("Ada")

    assert client.patch("/api/v1/me", json={"language": "zh", "time_zone": "Asia/Shanghai"}).status_code == 200
    assert client.get("/api/v1/me").json()["time_zone"] == "Asia/Shanghai"
    for wrong in ({"time_zone": ""}, {"language": "xx"}, {"name": " "}, {"rights": ["user_admin"]}):
        assert client.patch("/api/v1/me", json=wrong).status_code == 422


def test_what_is_over_is_forgotten(
    client: TestClient, hire: Hire, sign_in: SignIn, services: Services, clock: MovedClock
) -> None:
    hire("Ada")
    try_password(client, "wrong guess")
    sign_in("Ada")
    clock.move(hours=11)
    sign_in("Ada")
    clock.move(hours=2)

    with services.database.write() as connection:
        assert sessions.purge(connection, clock()) == 1
        assert sign_in_delays.purge(connection, clock()) == 1
    assert client.get("/api/v1/me").status_code == 200


def test_the_twenty_first_key_is_refused(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Ada")
    sign_in("Ada")
    for number in range(20):
        assert client.post("/api/v1/keys", json={"name": f"key {number}"}).status_code == 201
    refused = client.post("/api/v1/keys", json={"name": "one more"})
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_keys")

    client.delete(f"/api/v1/keys/{client.get('/api/v1/keys').json()['items'][0]['id']}")
    assert client.post("/api/v1/keys", json={"name": "one more"}).status_code == 201


def test_sessions_and_keys_of_a_leaver_end_with_his_next_request(
    client: TestClient, hire: Hire, sign_in: SignIn, services: Services
) -> None:
    ada = hire("Ada")
    sign_in("Ada")
    key = {"Authorization": f"Bearer {client.post('/api/v1/keys', json={'name': 'k'}).json()['key']}"}
    assert client.get("/api/v1/me").status_code == 200

    run(services, system("test"), lambda tx: organisation.change_member(tx, ada, active=False))
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=key).status_code == 401
    assert try_password(client, PASSWORD) == 401


def test_a_role_or_right_that_is_taken_away_is_gone_with_the_next_request(
    client: TestClient, hire: Hire, sign_in: SignIn, services: Services
) -> None:
    ada = hire("Ada", rights=frozenset({"user_admin"}))
    run(services, system("test"), lambda tx: organisation.grant_role(tx, "crm", "r_seller", ada))
    sign_in("Ada")
    key = {"Authorization": f"Bearer {client.post('/api/v1/keys', json={'name': 'k'}).json()['key']}"}
    assert client.get("/api/v1/me").json()["roles"] == {"crm": ["r_seller"]}
    assert client.get("/api/v1/members").status_code == 200

    run(services, system("test"), lambda tx: organisation.withdraw_role(tx, "crm", "r_seller", ada))
    run(services, system("test"), lambda tx: organisation.change_member(tx, ada, rights=frozenset()))
    for headers in ({}, key):
        if headers:
            client.cookies.clear()
        assert client.get("/api/v1/me", headers=headers).json()["roles"] == {}
        assert client.get("/api/v1/members", headers=headers).status_code == 403


def test_what_another_process_changes_counts_here_at_once(
    client: TestClient, hire: Hire, sign_in: SignIn, services: Services, other_connection: Callable[[], Database]
) -> None:
    ada = hire("Ada")
    sign_in("Ada")
    assert client.get("/api/v1/me").status_code == 200
    elsewhere = Services(services.settings, other_connection(), services.clock)

    run(elsewhere, system("test"), lambda tx: members.change(tx, ada, active=False))
    assert client.get("/api/v1/me").status_code == 401
