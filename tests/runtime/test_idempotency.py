"""A request that is sent twice happens once."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from engines.actor import Actor
from metadata.problems import ROOT, Invalid, Problem
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.idempotency import Answer, InProgress, Key, KeyReused, RefusedBefore, key_of, once, purge
from runtime.services import Services
from runtime.transaction import Tx
from tests.runtime.conftest import MovedClock

ADA = Actor(kind="user", member=7)


def a_key(name: str = "k1", body: bytes = b"{}") -> Key:
    key = key_of(ADA, name, "POST /things", body)
    assert key is not None
    return key


def add_department(tx: Tx) -> Answer:
    made = new_id()
    tx.connection.execute(insert(tables.department).values(id=made, name="Sales", active=True))
    return Answer({"id": str(made)}, 201, {"ETag": '"1"'})


def departments(services: Services) -> int:
    with services.database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.department)).scalar_one()


def test_the_second_sending_gets_the_first_answer(services: Services) -> None:
    first = once(services, ADA, a_key(), add_department)
    second = once(services, ADA, a_key(), add_department)

    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers == {"ETag": '"1"', "Idempotency-Replayed": "true"}
    assert departments(services) == 1


def test_the_order_of_keys_and_spaces_make_no_other_request(services: Services) -> None:
    assert a_key(body=b'{"a": 1, "b": 2}') == a_key(body=b'{"b":2,"a":1}')


def test_another_request_under_the_same_key_is_refused(services: Services) -> None:
    once(services, ADA, a_key(body=b'{"name": "Sales"}'), add_department)

    with pytest.raises(KeyReused):
        once(services, ADA, a_key(body=b'{"name": "Legal"}'), add_department)


def test_without_a_key_a_repeat_is_a_new_request(services: Services) -> None:
    once(services, ADA, None, add_department)
    once(services, ADA, None, add_department)

    assert departments(services) == 2


def test_two_people_may_use_the_same_key(services: Services) -> None:
    once(services, ADA, a_key(), add_department)
    other = key_of(Actor(kind="user", member=8), "k1", "POST /things", b"{}")
    once(services, ADA, other, add_department)

    assert departments(services) == 2


def test_a_refusal_is_remembered_with_all_its_problems(services: Services) -> None:
    def refuse(tx: Tx) -> Answer:
        add_department(tx)
        raise Invalid(Problem(ROOT / "amount", "too_much", {"en": "Too much", "zh": "过多"}))

    with pytest.raises(Invalid):
        once(services, ADA, a_key(), refuse)
    with pytest.raises(RefusedBefore) as again:
        once(services, ADA, a_key(), add_department)

    assert (again.value.status, again.value.problems[0].as_json("zh")["message"]) == (422, "过多")
    assert departments(services) == 0


def test_an_accident_is_not_remembered(services: Services) -> None:
    def fail(tx: Tx) -> Answer:
        add_department(tx)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        once(services, ADA, a_key(), fail)
    assert once(services, ADA, a_key(), add_department).status == 201


def test_the_key_is_forgotten_after_a_day(services: Services, clock: MovedClock) -> None:
    once(services, ADA, a_key(), add_department)
    clock.now += timedelta(hours=25)
    once(services, ADA, a_key(), add_department)

    assert departments(services) == 2


def test_eight_sendings_at_once_have_one_effect(services: Services) -> None:
    told: list[object] = []

    def send() -> None:
        try:
            told.append(once(services, ADA, a_key(), add_department).status)
        except InProgress as refusal:
            told.append(refusal.status)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert departments(services) == 1
    assert set(told) <= {201, 409}
    assert 201 in told


def another_process(services: Services) -> Services:
    """The same installation, as a second process has it."""
    return Services(services.settings, services.database, services.clock)


def test_one_key_with_two_bodies_at_once_is_no_accident(services: Services) -> None:
    others = [services, another_process(services)] if services.database.is_postgresql else [services]

    def work(tx: Tx) -> Answer:
        for other in others:
            with pytest.raises(InProgress):
                once(other, ADA, a_key(body=b'{"name": "Legal"}'), add_department)
        return add_department(tx)

    assert once(services, ADA, a_key(body=b'{"name": "Sales"}'), work).status == 201
    assert departments(services) == 1


def test_a_refusal_takes_nothing_from_the_answer_that_another_process_gave_meanwhile(
    services: Services, clock: MovedClock
) -> None:
    refused: list[bool] = []

    def a_moment_later() -> datetime:
        if refused.pop() if refused else False:
            once(another_process(services), ADA, a_key(), add_department)
        return clock()

    def refuse(tx: Tx) -> Answer:
        refused.append(True)
        raise Invalid(Problem(ROOT, "locked", {"en": "Locked", "zh": "已锁定"}))

    with pytest.raises(Invalid):
        once(Services(services.settings, services.database, a_moment_later), ADA, a_key(), refuse)

    assert once(services, ADA, a_key(), add_department).headers["Idempotency-Replayed"] == "true"
    assert departments(services) == 1


def test_nobody_waits_for_the_forgetting_of_old_keys(services: Services, clock: MovedClock) -> None:
    for name in ("a", "b"):
        once(services, ADA, a_key(name), add_department)
    clock.now += timedelta(hours=25)
    if services.database.is_postgresql:

        def work(tx: Tx) -> Answer:
            once(services, ADA, a_key("d"), add_department)
            return add_department(tx)

        once(services, ADA, a_key("c"), work)

    with services.database.write() as connection:
        assert purge(connection, clock()) == 2


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel", "a\nb"])
def test_a_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        key_of(ADA, key, "POST /things", b"{}")
