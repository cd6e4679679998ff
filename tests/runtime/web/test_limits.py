"""Limits on how much runs at a time: heavy requests (L61) and password checks (L68); they end with 429, not a queue."""

from contextlib import ExitStack
from types import ModuleType
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.testclient import TestClient

from runtime.web.api import reports, session
from runtime.web.limits import HASHES_WAITING, HashQueue, Places, TooMany
from tests.runtime.trading import open_trading


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, reports)


def test_two_of_one_caller_and_four_in_all() -> None:
    places = Places(wait=0.01)
    with ExitStack() as held:
        for caller in ("ada", "ada", "bob", "bob"):
            held.enter_context(places.take(caller))
        for caller in ("ada", "eve"):
            with pytest.raises(TooMany), places.take(caller):
                raise AssertionError("there was a place")

    with places.take("ada"), places.take("ada"), places.take("eve"), places.take("bob"):
        pass


def test_one_caller_does_not_take_the_places_of_the_others() -> None:
    places = Places(wait=0.01)
    with places.take("ada"), places.take("ada"):
        with pytest.raises(TooMany), places.take("ada"):
            raise AssertionError("there was a place")
        with places.take("bob"):
            pass


def test_a_place_is_free_again_after_a_failure() -> None:
    places = Places(per_caller=1, wait=0.01)
    for _ in range(3):
        with pytest.raises(RuntimeError), places.take("ada"):
            raise RuntimeError("the report failed")


def test_a_third_report_at_a_time_is_told_to_come_again(
    client: TestClient, hire: Any, sign_in: Any, services: Any, clock: Any
) -> None:
    open_trading(services, clock)
    ada = str(hire("Ada"))
    sign_in("Ada")
    places = client.app.state.places = Places(wait=0.01)  # type: ignore[attr-defined]

    with places.take(ada), places.take(ada):
        refused = client.get("/api/v1/apps/sales/reports/any")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
    assert client.get("/api/v1/apps/sales/reports/any").status_code == 404


def test_too_long_a_queue_of_password_checks_is_refused() -> None:
    queue = HashQueue()
    queue._waiting = HASHES_WAITING

    async def ask() -> None:
        await queue.run(lambda: None)

    with start_blocking_portal() as loop, pytest.raises(TooMany):
        loop.call(ask)


def test_two_passwords_are_hashed_at_a_time() -> None:
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        sum(range(200_000))
        running -= 1

    async def everybody() -> None:
        queue = HashQueue()
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(queue.run, work)

    with start_blocking_portal() as loop:
        loop.call(everybody)
    assert most <= 2
