"""The people over HTTP: everybody may look names up, only user admins change anything."""

from collections.abc import Callable
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from runtime.web import health
from runtime.web.api import api_keys, organisation, session

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]
ADMIN = frozenset({"user_admin"})


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (health, session, api_keys, organisation)


@pytest.fixture
def admin(hire: Hire, sign_in: SignIn) -> int:
    number = hire("Root", rights=ADMIN)
    sign_in("Root")
    return number


def test_an_admin_builds_the_house(client: TestClient, admin: int) -> None:
    sales = client.post("/api/v1/departments", json={"name": "销售部"}).json()
    body = {
        "name": "李伟",
        "email": "li@example.com",
        "language": "zh",
        "department": sales["id"],
        "manager": str(admin),
    }
    made = client.post("/api/v1/members", json=body)
    assert made.status_code == 201
    li = made.json()["id"]

    assert client.patch(f"/api/v1/departments/{sales['id']}", json={"head": li}).json()["head"] == li
    assert client.get(f"/api/v1/members/{li}").json()["manager"] == str(admin)
    assert client.get("/api/v1/directory", params={"search": "李"}).json()["items"][0]["department"] == "销售部"
    assert client.patch(f"/api/v1/members/{li}", json={"department": None}).json()["department"] is None
    assert client.patch(f"/api/v1/departments/{sales['id']}", json={"name": "Sales"}).json()["name"] == "Sales"
    assert client.delete(f"/api/v1/departments/{sales['id']}").status_code == 204


def test_an_ordinary_member_may_look_but_not_touch(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    ada = hire("Ada")
    sign_in("Ada")

    assert client.get("/api/v1/directory").status_code == 200
    for method, path, body in (
        ("GET", "/api/v1/members", None),
        ("POST", "/api/v1/members", {"name": "Eve", "email": "eve@example.com"}),
        ("PATCH", f"/api/v1/members/{ada}", {"rights": ["user_admin"]}),
        ("POST", f"/api/v1/members/{ada}/password", {"password": "tiraus-kemolg-38"}),
        ("POST", "/api/v1/departments", {"name": "Mine"}),
        ("PUT", f"/api/v1/apps/crm/roles/r_director/members/{ada}", None),
    ):
        assert client.request(method, path, json=body).status_code == 403, path


def test_a_key_without_the_scope_is_no_admin(client: TestClient, admin: int) -> None:
    made = client.post("/api/v1/keys", json={"name": "reader", "scopes": ["read"]}).json()
    client.cookies.clear()

    assert client.get("/api/v1/members", headers={"Authorization": f"Bearer {made['key']}"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"name": "", "email": "a@example.com"}, "/name", "too_short"),
        ({"name": "  ", "email": "a@example.com"}, "/name", "too_short"),
        ({"name": "A", "email": "no address"}, "/email", "bad_pattern"),
        ({"name": "A", "email": "a@example.com", "time_zone": "Mars/Olympus"}, "/time_zone", "unknown_time_zone"),
        ({"name": "A", "email": "a@example.com", "rights": ["god"]}, "/rights", "unknown_right"),
        ({"name": "A", "email": "a@example.com", "department": "7"}, "/department", "unknown_department"),
        ({"name": "A", "email": "a@example.com", "manager": "7"}, "/manager", "unknown_member"),
        ({"name": "A", "email": "a@example.com", "password": "password12"}, "/password", "password_common"),
        ({"name": "A", "email": "root@example.com"}, "/email", "email_taken"),
        ({"name": "A", "email": "a@example.com", "department": "9" * 19}, "/department", "unknown_department"),
    ],
)
def test_nonsense_is_refused_with_its_place(
    client: TestClient, admin: int, body: dict[str, object], path: str, code: str
) -> None:
    answer = client.post("/api/v1/members", json=body)

    assert answer.status_code in (409, 422)
    assert (answer.json()["errors"][0]["path"], answer.json()["errors"][0]["code"]) == (path, code)
    assert len(client.get("/api/v1/members").json()["items"]) == 1


def test_who_is_let_go_is_out_at_once(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    ada = hire("Ada")
    hire("Root", rights=ADMIN)
    sign_in("Ada")
    hers = client.cookies["fourfold"]
    sign_in("Root")
    assert client.patch(f"/api/v1/members/{ada}", json={"active": False}).json()["active"] is False

    client.cookies.clear()
    client.cookies.set("fourfold", hers)
    assert client.get("/api/v1/me").status_code == 401


def test_a_member_added_twice_under_one_key_is_added_once(client: TestClient, admin: int) -> None:
    headers = {"Idempotency-Key": "member-1"}
    body = {"name": "Ada", "email": "ada@example.com"}
    first = client.post("/api/v1/members", json=body, headers=headers)
    second = client.post("/api/v1/members", json=body, headers=headers)

    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = client.post("/api/v1/members", json={**body, "name": "Eve"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
