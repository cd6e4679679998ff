"""Second factors: set up, asked for, each code once, recovery codes, and who may take one away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pyotp
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from runtime import vault
from runtime.db import tables
from runtime.identity import sign_in_delays
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.web.api import api_keys, organisation, second_factor, session
from runtime.web.pages.account import second_factor as factor_page
from runtime.web.pages.account import sign_in as sign_in_page
from tests.runtime.conftest import PASSWORD, MovedClock

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]
PATH = "/api/v1/me/second-factor"


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, api_keys, second_factor, organisation, sign_in_page, factor_page)


@pytest.fixture
def ada(hire: Hire, sign_in: SignIn) -> int:
    number = hire("Ada")
    sign_in("Ada")
    return number


@pytest.fixture
def phone(client: TestClient, ada: int, clock: MovedClock) -> "Phone":
    """Ada's authenticator app, set up and confirmed."""
    made = Phone(client.post(PATH).json()["secret"], clock)
    answer = client.post(f"{PATH}/confirm", json={"code": made.code()})
    made.recovery_codes = answer.json()["recovery_codes"]
    clock.move(seconds=30)
    return made


class Phone:
    """An authenticator app, on the clock of the test."""

    def __init__(self, secret: str, clock: MovedClock) -> None:
        self.codes, self.clock = pyotp.TOTP(secret), clock
        self.recovery_codes: list[str] = []

    def code(self, seconds: int = 0) -> str:
        return self.codes.at(int(self.clock().timestamp()) + seconds)


def first_step(client: TestClient, name: str = "ada") -> str:
    client.cookies.clear()
    answer = client.post("/api/v1/session", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "code_required")
    assert "set-cookie" not in answer.headers
    return str(answer.json()["ticket"])


def second_step(client: TestClient, ticket: str, code: str) -> int:
    return client.post("/api/v1/session/code", json={"ticket": ticket, "code": code}).status_code


def test_it_counts_only_after_a_first_code(client: TestClient, ada: int, sign_in: SignIn) -> None:
    made = client.post(PATH).json()

    assert made["address"].startswith("otpauth://totp/Fourfold:ada%40example.com?secret=")
    assert client.get(PATH).json() == {"on": False, "recovery_codes_left": 0}
    assert client.post(f"{PATH}/confirm", json={"code": "000000"}).json()["errors"][0]["path"] == "/code"
    sign_in("Ada")


def test_signing_in_takes_password_and_code(client: TestClient, phone: Phone) -> None:
    ticket = first_step(client)

    assert client.get("/api/v1/me").status_code == 401
    assert second_step(client, ticket, "123456") == 401
    assert second_step(client, ticket, phone.code()) == 201
    assert client.get("/api/v1/me").json()["name"] == "Ada"


def test_a_code_works_once(client: TestClient, phone: Phone) -> None:
    code = phone.code()

    assert second_step(client, first_step(client), code) == 201
    assert second_step(client, first_step(client), code) == 401
    assert second_step(client, first_step(client), phone.code(seconds=-30)) == 401


def test_of_two_who_use_a_code_at_once_one_comes_in(client: TestClient, phone: Phone) -> None:
    tickets = [first_step(client)] * 2
    code = phone.code()

    with ThreadPoolExecutor(2) as thieves:
        codes = sorted(thieves.map(lambda ticket: second_step(client, ticket, code), tickets))

    assert codes[0] == 201 and codes[1] in (401, 410)


@pytest.mark.parametrize(("seconds", "status"), [(-30, 201), (30, 201), (-90, 401), (90, 401)])
def test_clocks_may_differ_by_half_a_minute(client: TestClient, phone: Phone, seconds: int, status: int) -> None:
    phone.clock.move(minutes=3)

    assert second_step(client, first_step(client), phone.code(seconds)) == status


def test_wrong_codes_are_slowed_down_and_the_right_password_does_not_help(
    client: TestClient, phone: Phone, clock: MovedClock
) -> None:
    for _ in range(5):
        assert second_step(client, first_step(client), "000000") == 401

    answer = client.post("/api/v1/session", json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 429


def test_the_first_step_is_good_for_five_minutes(client: TestClient, phone: Phone, clock: MovedClock) -> None:
    ticket = first_step(client)
    clock.move(minutes=5)

    assert second_step(client, ticket, phone.code()) == 410
    assert second_step(client, "made up", phone.code()) == 410


def test_a_recovery_code_works_once_in_any_spelling(client: TestClient, phone: Phone) -> None:
    code = phone.recovery_codes[3]
    assert len(set(phone.recovery_codes)) == 10

    assert second_step(client, first_step(client), code.upper().replace("-", " ")) == 201
    assert client.get(PATH).json() == {"on": True, "recovery_codes_left": 9}
    assert second_step(client, first_step(client), code) == 401


def test_new_recovery_codes_make_the_old_ones_worthless(client: TestClient, phone: Phone) -> None:
    renewed = client.post(f"{PATH}/recovery-codes").json()["recovery_codes"]

    assert second_step(client, first_step(client), phone.recovery_codes[0]) == 401
    assert second_step(client, first_step(client), renewed[0]) == 201


def test_confirming_oneself_takes_the_code_too(client: TestClient, phone: Phone, clock: MovedClock) -> None:
    clock.move(minutes=20)
    assert client.delete(PATH).json()["code"] == "elevation_required"
    assert client.post("/api/v1/session/elevate", json={"password": PASSWORD}).status_code == 401

    body = {"password": PASSWORD, "code": phone.code()}
    assert client.post("/api/v1/session/elevate", json=body).status_code == 200
    assert client.delete(PATH).status_code == 204
    assert client.get(PATH).json() == {"on": False, "recovery_codes_left": 0}


def test_nothing_that_is_stored_lets_anybody_in(client: TestClient, phone: Phone, services: Services) -> None:
    with services.database.read() as connection:
        stored = repr(connection.execute(select(tables.second_factor)).all())
        stored += repr(connection.execute(select(tables.recovery_code)).all())
        stored += repr(connection.execute(select(tables.ticket)).all()) + repr(
            connection.execute(select(tables.audit)).all()
        )

    assert phone.codes.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in phone.recovery_codes)


def test_with_a_lost_master_key_recovery_codes_still_work(client: TestClient, phone: Phone, settings: Settings) -> None:
    (settings.data_dir / vault.FILE).unlink()

    assert second_step(client, first_step(client), phone.code()) == 401
    assert second_step(client, first_step(client), phone.recovery_codes[0]) == 201


def test_an_administrator_takes_a_lost_one_away(
    client: TestClient, phone: Phone, ada: int, hire: Hire, sign_in: SignIn, services: Services
) -> None:
    hers = client.cookies["fourfold"]
    hire("Root", rights=frozenset({"user_admin"}))
    sign_in("Root")
    assert client.delete(f"/api/v1/members/{ada}/second-factor").status_code == 204

    client.cookies.clear()
    client.cookies.set("fourfold", hers)
    assert client.get("/api/v1/me").status_code == 401
    sign_in("Ada")
    with services.database.read() as connection:
        actions = list(connection.scalars(select(tables.audit.c.action).order_by(tables.audit.c.seq)))
    assert "second_factor_on" in actions and "second_factor_off" in actions


def test_who_was_let_go_between_the_steps_stays_out(
    client: TestClient, phone: Phone, ada: int, services: Services
) -> None:
    ticket = first_step(client)
    with services.database.write() as connection:
        connection.execute(update(tables.member).where(tables.member.c.id == ada).values(active=False))

    assert second_step(client, ticket, phone.code()) == 410


def test_where_administrators_need_one_their_rights_wait_for_it(
    services: Services, hire: Hire, clock: MovedClock, modules: tuple[ModuleType, ...]
) -> None:
    strict = services.settings.model_copy(update={"admins_need_second_factor": True})
    services.settings = strict
    hire("Root", rights=frozenset({"user_admin"}))
    hire("Ada")
    with TestClient(create_app(strict, services, modules=modules), base_url="http://127.0.0.1:8000") as client:
        client.post("/api/v1/session", json={"email": "root@example.com", "password": PASSWORD})
        key = client.post("/api/v1/keys", json={"name": "k"}).json()["key"]
        with_key = {"Authorization": f"Bearer {key}"}
        refused = client.get("/api/v1/members")
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
        assert client.get("/api/v1/members", headers=with_key).json()["code"] == "second_factor_required"
        assert client.get("/api/v1/me").json()["rights"] == []

        phone = Phone(client.post(PATH).json()["secret"], clock)
        assert client.post(f"{PATH}/confirm", json={"code": phone.code()}).status_code == 200
        assert client.get("/api/v1/members").status_code == 200
        assert client.get("/api/v1/members", headers=with_key).status_code == 200


def test_a_browser_is_led_through_both_steps(client: TestClient, phone: Phone) -> None:
    client.cookies.clear()
    form = {"email": "ada@example.com", "password": PASSWORD, "next": "/account/second-factor", "remember": "true"}
    asked = client.post("/sign-in", data=form, headers={"accept": "text/html"})
    ticket = asked.text.split('name="ticket" value="')[1].split('"')[0]
    assert asked.status_code == 200 and PASSWORD not in asked.text

    again = {"ticket": ticket, "code": phone.code(), "next": form["next"], "remember": "true"}
    entered = client.post("/sign-in/code", data=again, headers={"accept": "text/html"}, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/account/second-factor")
    assert "max-age=7776000" in entered.headers["set-cookie"].lower()


def test_guesses_that_come_at_once_are_slowed_down_like_others(
    client: TestClient, phone: Phone, services: Services
) -> None:
    ticket = first_step(client)
    right = {phone.code(seconds) for seconds in (-30, 0, 30)}
    guesses = [each for each in (f"{number:06d}" for number in range(30)) if each not in right]

    with ThreadPoolExecutor(12) as people:
        told = list(people.map(lambda code: second_step(client, ticket, code), guesses))

    assert set(told) == {401, 429}
    assert told.count(401) <= sign_in_delays.FREE_FAILURES
