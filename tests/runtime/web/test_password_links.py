"""Links to set a password: mailed by a real SMTP server, used once; they tell strangers nothing (T69, T70, L59)."""

import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select
from starlette.testclient import TestClient

from runtime import jobs
from runtime.db import tables
from runtime.server import create_app
from runtime.services import Services
from runtime.web.api import organisation, password_links, session
from runtime.web.pages.account import password_links as link_pages
from runtime.web.pages.account import sign_in as sign_in_pages
from runtime.web.pages.admin import members as member_pages
from tests.runtime.conftest import PASSWORD, MovedClock
from tests.runtime.connectors.test_smtp import Catcher, free_port

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]
NEW = "tiraus-kemolg-38"
PAGE = {"accept": "text/html"}


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, organisation, password_links, member_pages, link_pages, sign_in_pages)


@pytest.fixture
def post(services: Services) -> Iterator[Catcher]:
    """A mail server, which the installation knows."""
    catcher, port = Catcher(), free_port()
    controller = Controller(catcher, hostname="127.0.0.1", port=port)
    controller.start()
    known = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "base_url": "https://house.example"}
    services.settings = services.settings.model_copy(update=known)
    yield catcher
    controller.stop()


@pytest.fixture
def client(post: Catcher, services: Services, modules: tuple[ModuleType, ...]) -> Iterator[TestClient]:
    with TestClient(create_app(services.settings, services, modules=modules), base_url="https://house.example") as one:
        yield one


def ask(client: TestClient, email: str = "ada@example.com", **headers: str) -> Any:
    return client.post("/api/v1/password-links", json={"email": email}, headers=headers)


def token_of(mail: Any) -> str:
    body = mail.get_payload(decode=True).decode()
    found = re.search(r"https://house\.example/password\?token=(\S+)", body)
    assert found, body
    return found[1]


def asked_for(client: TestClient, services: Services, post: Catcher) -> str:
    assert ask(client).status_code == 202
    jobs.run_due(services)
    return token_of(post.caught[-1])


def use(client: TestClient, token: str, password: str = NEW) -> int:
    return client.post("/api/v1/password-links/use", json={"token": token, "password": password}).status_code


def enter(client: TestClient, password: str) -> int:
    client.cookies.clear()
    return client.post("/api/v1/session", json={"email": "ada@example.com", "password": password}).status_code


def test_a_link_comes_by_mail_and_sets_the_password_once(
    client: TestClient, hire: Hire, services: Services, post: Catcher
) -> None:
    hire("Ada")
    assert enter(client, PASSWORD) == 201
    elsewhere = client.cookies["__Host-fourfold"]
    token = asked_for(client, services, post)

    assert post.recipients == ["ada@example.com"]
    assert use(client, token) == 204
    assert use(client, token, "another-kemolg-39") == 410
    client.cookies.clear()
    client.cookies.set("__Host-fourfold", elsewhere)
    assert client.get("/api/v1/me").status_code == 401
    assert (enter(client, PASSWORD), enter(client, NEW)) == (401, 201)


def test_strangers_learn_nothing_from_the_answer(
    client: TestClient, hire: Hire, services: Services, post: Catcher
) -> None:
    hire("Ada")
    known, unknown = ask(client), ask(client, "nobody@example.com")
    jobs.run_due(services)

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert {*known.headers} == {*unknown.headers}
    assert post.recipients == ["ada@example.com"]
    with services.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.job)).scalar() == 2
        assert set(connection.scalars(select(tables.job.c.state))) == {"done"}


def test_the_link_names_the_configured_host_whatever_the_request_says(
    client: TestClient, hire: Hire, services: Services, post: Catcher
) -> None:
    hire("Ada")
    ask(client, **{"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    jobs.run_due(services)

    assert "evil" not in post.caught[0].as_string()
    assert token_of(post.caught[0])


def test_the_token_is_stored_nowhere(client: TestClient, hire: Hire, services: Services, post: Catcher) -> None:
    hire("Ada")
    token = asked_for(client, services, post)

    with services.database.read() as connection:
        stored = "".join(
            repr(connection.execute(select(table)).all()) for table in (tables.ticket, tables.job, tables.audit)
        )
    assert token not in stored


def test_a_reset_works_for_half_an_hour(
    client: TestClient, hire: Hire, services: Services, post: Catcher, clock: MovedClock
) -> None:
    hire("Ada")
    token = asked_for(client, services, post)
    clock.move(minutes=30)

    assert use(client, token) == 410
    assert client.get(f"/password?token={token}", headers=PAGE).status_code == 410


def test_a_second_link_replaces_the_first(client: TestClient, hire: Hire, services: Services, post: Catcher) -> None:
    hire("Ada")
    first, second = asked_for(client, services, post), asked_for(client, services, post)

    assert use(client, first) == 410
    assert use(client, second) == 204


def test_a_poor_password_does_not_use_the_link_up(
    client: TestClient, hire: Hire, services: Services, post: Catcher
) -> None:
    hire("Ada")
    token = asked_for(client, services, post)

    assert use(client, token, "Password123!") == 422
    assert use(client, token) == 204


def test_three_mails_an_hour_for_one_address_and_the_answer_stays_the_same(
    client: TestClient, hire: Hire, services: Services, post: Catcher, clock: MovedClock
) -> None:
    hire("Ada")
    answers = {ask(client).status_code for _ in range(5)}
    jobs.run_due(services)
    assert answers == {202} and len(post.caught) == 3

    clock.move(minutes=61)
    ask(client)
    jobs.run_due(services)
    assert len(post.caught) == 4


def test_ten_mails_an_hour_from_one_place(client: TestClient, hire: Hire, services: Services, post: Catcher) -> None:
    for number in range(12):
        hire(f"M{number}")
        ask(client, f"m{number}@example.com")
    jobs.run_due(services)

    assert len(post.caught) == 10


def test_who_may_not_sign_in_gets_no_mail(
    client: TestClient, hire: Hire, services: Services, post: Catcher, sign_in: SignIn
) -> None:
    ada = hire("Ada")
    hire("Root", rights=frozenset({"user_admin"}))
    token = asked_for(client, services, post)
    sign_in("Root")
    assert client.patch(f"/api/v1/members/{ada}", json={"active": False}).status_code == 200
    ask(client)
    jobs.run_due(services)

    assert len(post.caught) == 1
    assert use(client, token) == 410


def test_what_was_done_is_told(client: TestClient, hire: Hire, services: Services, post: Catcher) -> None:
    hire("Ada")
    use(client, asked_for(client, services, post))

    with services.database.read() as connection:
        actions = list(connection.scalars(select(tables.audit.c.action).order_by(tables.audit.c.seq)))
    assert actions == ["password_link_sent", "password_set", "password_reset"]


def test_a_new_member_is_invited_for_a_week(
    client: TestClient, hire: Hire, services: Services, post: Catcher, sign_in: SignIn, clock: MovedClock
) -> None:
    hire("Root", rights=frozenset({"user_admin"}))
    sign_in("Root")
    made = client.post("/api/v1/members", json={"name": "艾达", "email": "ada@example.com", "language": "zh"}).json()
    assert client.post(f"/api/v1/members/{made['id']}/password-mail").status_code == 202
    jobs.run_due(services)
    assert "7 天" in post.caught[0].get_payload(decode=True).decode()

    clock.move(days=6)
    assert use(client, token_of(post.caught[0])) == 204
    assert enter(client, NEW) == 201


def test_an_administrator_makes_a_link_that_is_shown_once(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    ada = hire("Ada")
    hire("Root", rights=frozenset({"user_admin"}))
    sign_in("Root")
    url = client.post(f"/api/v1/members/{ada}/password-link").json()["url"]

    assert url.startswith("https://house.example/password?token=")
    assert use(client, url.partition("token=")[2]) == 204
    assert client.post("/api/v1/members/77/password-link").status_code == 404


def test_in_a_browser_looking_at_the_link_uses_nothing_up(
    client: TestClient, hire: Hire, services: Services, post: Catcher
) -> None:
    hire("Ada")
    client.post("/forgotten", data={"email": "ada@example.com"}, headers=PAGE)
    jobs.run_due(services)
    token = token_of(post.caught[0])
    for _ in range(2):
        looked = client.get(f"/password?token={token}", headers=PAGE)
        assert looked.status_code == 200 and looked.headers["referrer-policy"] == "no-referrer"

    poor = client.post("/password", data={"token": token, "password": "short"}, headers=PAGE)
    assert poor.status_code == 422 and token in poor.text
    done = client.post("/password", data={"token": token, "password": NEW}, headers=PAGE)
    assert "Sign in with it" in done.text
    assert enter(client, NEW) == 201


def test_without_a_mail_server_the_page_says_whom_to_ask(
    hire: Hire, services: Services, modules: tuple[ModuleType, ...], clock: MovedClock
) -> None:
    hire("Ada")
    with TestClient(create_app(services.settings, services, modules=modules), base_url="http://127.0.0.1") as client:
        assert "sends no mail" in client.get("/forgotten", headers=PAGE).text
        assert ask(client).status_code == 202
        assert jobs.run_due(services) == 0
