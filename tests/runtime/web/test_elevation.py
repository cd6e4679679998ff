"""Acts on the installation ask for the password again; sessions left open and keys are not enough (S7)."""

import re
from collections.abc import Callable
from types import ModuleType

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from runtime.db import tables
from runtime.services import Services
from runtime.web.api import api_keys, organisation, password_links, second_factor, session
from runtime.web.pages import refusals
from runtime.web.pages.account import preferences
from runtime.web.pages.account import settings as account
from runtime.web.pages.account import sign_in as sign_in_pages
from runtime.web.pages.admin import departments as department_pages
from runtime.web.pages.admin import members
from tests.runtime.conftest import PASSWORD, MovedClock

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]
ADMIN = frozenset({"user_admin"})
PAGE = {"accept": "text/html"}


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    pages = (account, members, preferences, refusals, department_pages, sign_in_pages)
    return (session, api_keys, second_factor, organisation, password_links, *pages)


@pytest.fixture
def admin(hire: Hire, sign_in: SignIn) -> int:
    number = hire("Root", rights=ADMIN)
    sign_in("Root")
    return number


def acts(member: int) -> list[tuple[str, str, dict[str, object] | None]]:
    return [
        ("POST", "/api/v1/members", {"name": "Eve", "email": "eve@example.com"}),
        ("PATCH", f"/api/v1/members/{member}", {"rights": ["user_admin", "app_admin"]}),
        ("POST", f"/api/v1/members/{member}/password", {"password": "tiraus-kemolg-38"}),
        ("POST", f"/api/v1/members/{member}/password-link", None),
        ("POST", f"/api/v1/members/{member}/password-mail", None),
        ("DELETE", f"/api/v1/members/{member}/second-factor", None),
        ("POST", "/api/v1/departments", {"name": "Mine"}),
        ("PUT", f"/api/v1/apps/crm/roles/r_director/members/{member}", None),
        ("DELETE", f"/api/v1/apps/crm/roles/r_director/members/{member}", None),
        ("POST", "/api/v1/keys", {"name": "key"}),
        ("POST", "/api/v1/me/second-factor", None),
        ("DELETE", "/api/v1/me/second-factor", None),
        ("POST", "/api/v1/me/second-factor/recovery-codes", None),
    ]


def told(services: Services) -> list[tuple[str, str]]:
    with services.database.read() as connection:
        rows = connection.execute(select(tables.audit.c.action, tables.audit.c.result).order_by(tables.audit.c.seq))
        return [(row.action, row.result) for row in rows]


def test_signing_in_is_enough_for_a_quarter_of_an_hour(client: TestClient, admin: int, clock: MovedClock) -> None:
    assert client.post("/api/v1/departments", json={"name": "Sales"}).status_code == 201

    clock.move(minutes=15)
    refused = client.post("/api/v1/departments", json={"name": "Service"})
    assert (refused.status_code, refused.json()["code"]) == (403, "elevation_required")
    assert "/api/v1/session/elevate" in refused.json()["errors"][0]["hint"]


def test_every_act_on_the_installation_asks_for_the_password(client: TestClient, admin: int, clock: MovedClock) -> None:
    clock.move(minutes=20)

    for method, path, body in acts(admin):
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "elevation_required"), (method, path)
    assert client.get("/api/v1/members").status_code == 200


def test_no_key_acts_on_the_installation(client: TestClient, admin: int) -> None:
    key = client.post("/api/v1/keys", json={"name": "all", "scopes": ["admin", "read"]}).json()["key"]
    client.cookies.clear()
    headers = {"Authorization": f"Bearer {key}"}

    assert client.get("/api/v1/members", headers=headers).status_code == 200
    for method, path, body in acts(admin):
        answer = client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_needed"), (method, path)


def test_who_may_not_learns_nothing_of_the_password(
    client: TestClient, hire: Hire, sign_in: SignIn, clock: MovedClock
) -> None:
    ada = hire("Ada")
    sign_in("Ada")
    clock.move(minutes=20)

    assert client.patch(f"/api/v1/members/{ada}", json={"rights": []}).json()["code"] == "forbidden"


def test_the_password_opens_them_again_under_a_new_token(client: TestClient, admin: int, clock: MovedClock) -> None:
    clock.move(minutes=20)
    before = client.cookies["fourfold"]
    answer = client.post("/api/v1/session/elevate", json={"password": PASSWORD})

    assert answer.status_code == 200 and answer.json()["elevated_until"].startswith("2026-11-20T09:35")
    assert client.cookies["fourfold"] != before
    assert client.post("/api/v1/departments", json={"name": "Sales"}).status_code == 201
    client.cookies.clear()
    client.cookies.set("fourfold", before)
    assert client.get("/api/v1/me").status_code == 401


def test_a_wrong_password_is_told_and_slowed_down(
    client: TestClient, admin: int, clock: MovedClock, services: Services
) -> None:
    clock.move(minutes=20)
    tries = [client.post("/api/v1/session/elevate", json={"password": "wrong guess"}).status_code for _ in range(6)]

    assert tries == [401] * 5 + [429]
    assert told(services)[-1] == ("elevate", "failed")
    assert client.post("/api/v1/departments", json={"name": "Sales"}).json()["code"] == "elevation_required"


# --- in a browser ---


def csrf(client: TestClient) -> str:
    return str(client.get("/api/v1/me").json()["csrf"])


def hidden(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)


def test_a_form_that_was_sent_is_kept_until_the_password_is_given(
    client: TestClient, admin: int, clock: MovedClock
) -> None:
    clock.move(minutes=20)
    form = {"csrf": csrf(client), "name": "Vertrieb & <Co>", "parent": "", "head": str(admin)}
    asked = client.post("/admin/departments", data=form, headers=PAGE)
    assert asked.status_code == 403 and "Confirm it is you" in asked.text
    assert ("name", "Vertrieb &amp; &lt;Co&gt;") in hidden(asked.text)

    kept = {"csrf": form["csrf"], "name": "Vertrieb & <Co>", "head": str(admin), "confirm-again": "true"}
    wrong = client.post("/confirm?next=/admin/departments", data={**kept, "confirm-password": "no"}, headers=PAGE)
    assert wrong.status_code == 401 and ("name", "Vertrieb &amp; &lt;Co&gt;") in hidden(wrong.text)

    right = {**kept, "confirm-password": PASSWORD}
    done = client.post("/confirm?next=/admin/departments", data=right, headers=PAGE)
    assert [each.status_code for each in done.history] == [307, 303]
    assert "Vertrieb &amp; &lt;Co&gt;" in done.text


def test_where_to_go_on_never_leads_elsewhere(client: TestClient, admin: int) -> None:
    form = {"csrf": csrf(client), "confirm-password": PASSWORD}
    answer = client.post("/confirm?next=//evil.example/x", data=form, headers=PAGE, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_confirming_needs_the_token_of_the_session(client: TestClient, admin: int) -> None:
    form = {"csrf": "forged", "confirm-password": PASSWORD}

    assert client.post("/confirm", data=form, headers=PAGE).status_code == 403


def test_what_a_page_changes_of_a_member_is_told_in_the_audit(
    client: TestClient, admin: int, hire: Hire, services: Services
) -> None:
    ada = hire("Ada")
    form = {"csrf": csrf(client), "name": "Ada", "right": ["ops"], "active": "true"}
    assert client.post(f"/admin/members/{ada}", data=form, headers=PAGE).status_code == 200

    with services.database.read() as connection:
        row = connection.execute(select(tables.audit).where(tables.audit.c.action == "member_changed")).one()
    assert row.detail == {"before": {"rights": []}, "after": {"rights": ["ops"]}}
    assert (row.actor, row.object_id) == (admin, str(ada))
