"""The gate: every bad request is refused with a clear problem, and no answer is a 5xx."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import exc
from starlette.testclient import TestClient

from runtime.server import UnguardedRoute, all_routes, create_app, require_guards
from runtime.services import Services
from runtime.settings import Settings
from runtime.web import health
from runtime.web.api import organisation, session
from tests.runtime.conftest import PASSWORD

JSON = {"Content-Type": "application/json"}
SESSION = "/api/v1/session"
BASE = (health, session, organisation)


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return BASE


def post(client: TestClient, body: bytes, **headers: str) -> tuple[int, dict]:
    answer = client.post(SESSION, content=body, headers=JSON | {k.replace("_", "-"): v for k, v in headers.items()})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b'{"email": "a", "email": "b"}', 400, "duplicate_key"),
        (b'{"email": NaN}', 400, "not_a_number"),
        (b'{"email": "\xff"}', 400, "not_utf8"),
        (b'\xef\xbb\xbf{"email": "a"}', 400, "byte_order_mark"),
        (b'{"email": "a\\u0000b"}', 400, "broken_text"),
        (b'{"email": "\\ud800"}', 400, "broken_text"),
        (b'{"email": ' + b"[" * 40 + b"]" * 40 + b"}", 422, "limit_exceeded"),
        (b"[" * 100_000, 422, "limit_exceeded"),
        (b'{"email": ' + b"9" * 5000 + b"}", 400, "number_too_long"),
        (b'{"email": 1e999999999}', 400, "number_too_long"),
        (b'{"email": [' + b"1," * 10_001 + b"1]}", 422, "limit_exceeded"),
        (b'{"email": "' + b"a" * 2_000_001 + b'"}', 413, "too_large"),
        (b'{"email": "a", "password": "b", "extra": 1}', 422, "unknown_key"),
        (b'{"email": 7, "password": "b"}', 422, "wrong_type"),
        (b'{"email": "a"}', 422, "missing_key"),
        (b"[]", 422, None),
        (b'"text"', 422, None),
        (b"", 422, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_body_is_refused_with_its_place(client: TestClient, body: bytes, status: int, code: str | None) -> None:
    got, problem = post(client, body)

    assert got == status
    assert problem["request_id"] and problem["title"]
    if code is not None:
        assert problem["errors"][0]["code"] == code


def test_a_problem_names_the_place_and_speaks_the_readers_language(client: TestClient) -> None:
    _, problem = post(client, b'{"a": {"b": [1, {"c": 1, "c": 2}]}}', accept_language="zh-CN,zh;q=0.9")

    assert problem["errors"][0]["path"] == "/a/b/1/c"
    assert "重复" in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/session", 405),
        ("GET", "/api/v1/me?x=" + "y" * 9000, 414),
        ("GET", "/api/v1/directory?search=%00", 400),
        ("DELETE", "/api/v1/sessions/99999999999999999999999", 401),
        ("GET", "/api/v1/members/not-a-number", 401),
    ],
)
def test_a_wrong_address_is_a_problem_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.json()["code"]


def test_a_wrong_method_is_told_all_that_the_address_answers(client: TestClient) -> None:
    assert client.put(SESSION, json={}).headers["allow"] == "DELETE, POST"
    assert client.delete("/api/v1/members/7").headers["allow"] == "GET, PATCH"


def test_too_many_headers_are_refused(client: TestClient) -> None:
    assert client.get("/api/v1/me", headers={f"X-{number}": "1" for number in range(120)}).status_code == 431
    assert client.get("/api/v1/me", headers={"X-Long": "x" * 40_000}).status_code == 431


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
def test_bodies_of_other_kinds_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post(SESSION, content=b'{"email": "a"}', headers={"Content-Type": kind})

    assert answer.status_code == 415


def test_other_sites_change_nothing(client: TestClient) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        answer = client.post(SESSION, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    ours = client.post(SESSION, json=body, headers={"Origin": "http://127.0.0.1:8000"})
    assert ours.json()["code"] == "sign_in_failed"


def test_every_answer_carries_the_safe_headers(client: TestClient) -> None:
    for path in ("/healthz", "/api/v1/me", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert len(headers["x-request-id"]) == 16


def test_health_tells_alive_from_ready(client: TestClient, services: Services) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    services.clock = lambda: (_ for _ in ()).throw(AssertionError)  # type: ignore[assignment]
    assert client.get("/readyz").status_code == 200


def test_metrics_count_requests_by_route_for_this_machine_only(client: TestClient) -> None:
    client.get("/healthz")

    assert 'fourfold_requests_total{method="GET",route="/healthz",status="200"} 1.0' in client.get("/metrics").text
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403


def test_a_route_without_a_guard_stops_the_start(settings: Settings, services: Services) -> None:
    app = create_app(settings, services, modules=BASE)
    require_guards(app)
    assert len(list(all_routes(app.router))) > 20

    app.add_api_route("/open", lambda: None)
    with pytest.raises(UnguardedRoute, match="/open"):
        require_guards(app)


def test_a_stranger_may_not_knock_without_end(services: Services) -> None:
    settings = services.settings.model_copy(update={"anonymous_burst": 3, "anonymous_per_second": 0.001})
    with TestClient(create_app(settings, services, modules=BASE)) as client:
        codes = [client.get("/api/v1/me").status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        assert int(client.get("/api/v1/me").headers["retry-after"]) > 1
        assert client.get("/healthz").status_code == 200


def broken(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


class Lost(Exception):
    sqlstate = "57P01"


class Full(Exception):
    sqlite_errorname = "SQLITE_FULL"


class Deadlocked(Exception):
    sqlstate = "40P01"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exc.OperationalError("SELECT secret", {}, Lost()), 503, "database_unavailable"),
        (exc.OperationalError("INSERT", {}, Full()), 507, "storage_full"),
        (exc.OperationalError("UPDATE", {}, Deadlocked()), 409, "retry"),
        (exc.DataError("INSERT", {}, Exception("too big")), 422, "out_of_range"),
        (exc.IntegrityError("INSERT", {}, Exception("twice")), 409, "contradiction"),
        (RuntimeError("the secret is 42"), 500, "unexpected"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_accidents_say_nothing_of_the_inside(services: Services, error: Exception, status: int, code: str) -> None:
    app = create_app(services.settings, services, modules=BASE)
    app.add_api_route("/api/v1/broken", broken(error))
    with TestClient(app) as client:
        answer = client.get("/api/v1/broken")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text and "SELECT" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_settings_refuse_what_makes_no_sense(tmp_path: Path) -> None:
    for wrong in ({"port": 99999}, {"time_zone": "Mars/Olympus"}, {"smtp_password": "changeme"}, {"unknown": 1}):
        with pytest.raises(ValueError):
            Settings(_env_file=None, data_dir=tmp_path, **wrong)
