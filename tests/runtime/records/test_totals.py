"""Totals over other records hold after every change, also when many write at once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from runtime import records, transaction

THREADS = 8
ROUNDS = 4


def totals(office: Any, customer: int) -> tuple[Any, ...]:
    found = office.truth("customer", customer)
    return tuple(found[name] for name in ("deals", "sold", "largest", "average", "double_sold"))


def deal(office: Any, customer: int | None, price: float, **more: Any) -> Any:
    link = None if customer is None else str(customer)
    return office.create("dora", "deal", customer=link, items=[{"what": "a", "price": price}], **more)


@pytest.fixture
def acme(office: Any) -> int:
    return int(office.create("dora", "customer", name="Acme").id)


def test_a_new_parent_has_empty_totals(office: Any, acme: int) -> None:
    assert totals(office, acme) == (0, 0, None, None, 0)


def test_totals_follow_creating_changing_and_deleting(office: Any, acme: int) -> None:
    deal(office, acme, 10)
    second = deal(office, acme, 30)
    assert totals(office, acme) == (2, 40, 30, 20, 80)
    row = office.truth("deal", second.id)["items"][0]["id"]
    office.change("dora", "deal", second.id, 1, items=[{"id": str(row), "price": 5}])
    assert totals(office, acme) == (2, 15, 10, Decimal("7.5"), 30)
    office.delete("dora", "deal", second.id, 2)
    assert totals(office, acme) == (1, 10, 10, 10, 20)
    office.restore("dora", "deal", second.id)
    assert totals(office, acme) == (2, 15, 10, Decimal("7.5"), 30)


def test_totals_follow_a_record_from_parent_to_parent(office: Any, acme: int) -> None:
    other = office.create("dora", "customer", name="Other").id
    moved = deal(office, acme, 10)
    office.change("dora", "deal", moved.id, 1, customer=str(other))
    assert (totals(office, acme)[:2], totals(office, other)[:2]) == ((0, 0), (1, 10))
    office.change("dora", "deal", moved.id, 2, customer=None)
    assert totals(office, other) == (0, 0, None, None, 0)


def test_a_condition_takes_records_in_and_out(office: Any, acme: int) -> None:
    large = deal(office, acme, 100)
    deal(office, acme, 10)
    office.change("dora", "deal", large.id, 1, state="lost")
    assert totals(office, acme)[2] == 10
    office.change("dora", "deal", large.id, 2, state="won")
    assert totals(office, acme)[2] == 100


def test_a_moved_total_leaves_the_version_of_its_record_alone(office: Any, acme: int) -> None:
    deal(office, acme, 10)
    office.change("dora", "customer", acme, 1, name="Acme Ltd")
    assert office.truth("customer", acme)["version"] == 2


def test_eight_writers_on_one_parent_lose_nothing(office: Any, acme: int) -> None:
    barrier = Barrier(THREADS)
    actor = office.actor("dora")

    def add(number: int) -> None:
        barrier.wait()
        for step in range(ROUNDS):
            values = {"customer": str(acme), "items": [{"what": "a", "price": number * 10 + step}]}
            transaction.run(
                office.services, actor, lambda tx, values=values: records.save(tx, office.app, "deal", None, values)
            )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, range(THREADS)))
    prices = [number * 10 + step for number in range(THREADS) for step in range(ROUNDS)]
    assert totals(office, acme)[:3] == (len(prices), sum(prices), max(prices))
    table = office.app.form("deal").table
    with office.reading("system") as tx:
        numbers = tx.connection.scalars(sa.select(table.c.f_number)).all()
    assert sorted(numbers) == [f"D2026-{each:04}" for each in range(1, len(prices) + 1)]


def test_writers_that_move_records_crosswise_end_with_true_totals(office: Any, acme: int) -> None:
    other = office.create("dora", "customer", name="Other").id
    mine = [deal(office, (acme, other)[number % 2], number + 1).id for number in range(6)]
    actor = office.actor("dora")
    barrier = Barrier(len(mine))

    def move(number: int) -> None:
        barrier.wait()
        for step in range(3):
            target = str((acme, other)[(number + step + 1) % 2])
            transaction.run(
                office.services,
                actor,
                lambda tx, target=target: records.save(
                    tx, office.app, "deal", mine[number], {"customer": target}, check_version=False
                ),
            )

    with ThreadPoolExecutor(len(mine)) as pool:
        list(pool.map(move, range(len(mine))))
    for customer in (acme, other):
        held = [each for each in mine if office.truth("deal", each)["customer"] == customer]
        sums = sum(office.truth("deal", each)["total"] for each in held)
        assert totals(office, customer)[:2] == (len(held), sums)


def test_of_many_stale_editors_one_wins(office: Any, acme: int) -> None:
    from metadata.problems import Conflict

    barrier = Barrier(THREADS)
    actor = office.actor("dora")

    def change(number: int) -> bool:
        barrier.wait()
        try:
            values = {"name": f"Name {number}"}
            transaction.run(
                office.services, actor, lambda tx: records.save(tx, office.app, "customer", acme, values, 1)
            )
        except Conflict as conflict:
            assert conflict.status == 412
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(change, range(THREADS))).count(True) == 1
    assert office.truth("customer", acme)["version"] == 2


def test_of_many_with_one_unique_value_one_wins(office: Any) -> None:
    from metadata.problems import Invalid

    barrier = Barrier(THREADS)
    actor = office.actor("dora")

    def create(number: int) -> bool:
        barrier.wait()
        try:
            values = {"name": f"Name {number}", "code": "same"}
            transaction.run(office.services, actor, lambda tx: records.save(tx, office.app, "customer", None, values))
        except Invalid as refused:
            assert refused.problems[0].code == "not_unique"
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(create, range(THREADS))).count(True) == 1
