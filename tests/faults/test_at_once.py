"""Many at the same moment, over HTTP: two hundred sign-ins from one address, and races with exactly one winner.

The same races without HTTP, some with more rounds: eight writers on one parent, stale editors and unique values in
tests/runtime/records/test_totals.py; decisions, votes, starts and withdrawals in tests/runtime/flows/test_races.py;
one key sent eight times in tests/runtime/test_idempotency.py.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from engines.actor import system
from runtime import organisation, transaction
from runtime.db import tables
from runtime.identity import passwords
from runtime.transaction import Tx
from tests.faults.books import APP, PASSWORD, RECORDS, Books
from tests.faults.conftest import StartServer
from tests.faults.invariants import broken
from tests.faults.load import ENTRIES
from tests.faults.server import Client, Reply
from tests.faults.test_kill import wait_for_jobs

ROUNDS = int(os.environ.get("FOURFOLD_RACE_ROUNDS", "3"))
THREADS = 8
PEOPLE = {"sqlite": 200, "postgresql": int(os.environ.get("FOURFOLD_SIGN_INS", "24"))}  # hashing is slow on purpose


def at_once(count: int, act: Callable[[int], Reply]) -> list[Reply]:
    """Do it that many times at the same moment."""
    barrier = threading.Barrier(count)

    def one(number: int) -> Reply:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def statuses(replies: list[Reply]) -> dict[int, int]:
    return dict(Counter(reply.status for reply in replies))


@pytest.mark.slow
def test_two_hundred_people_of_one_office_sign_in_at_once(
    books: Books, start_server: StartServer, dialect: str
) -> None:
    count = PEOPLE[dialect]
    kept = passwords.hash_password(PASSWORD)

    def hire(tx: Tx) -> None:
        for number in range(count):
            organisation.add_member(tx, f"Person {number}", f"p{number}@example.com", password_hash=kept)

    transaction.run(books.services, system("test"), hire)
    server = start_server()

    def sign_in(number: int) -> Reply:
        with server.client() as client:
            return client.post("/api/v1/session", {"email": f"p{number}@example.com", "password": PASSWORD})

    replies = at_once(count, sign_in)

    assert statuses(replies) == {201: count}
    with books.services.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.session)) == count
    cookie = {"Cookie": replies[7].headers["set-cookie"].partition(";")[0]}
    with server.client() as client:
        assert client.send("GET", "/api/v1/me", headers=cookie).body["name"] == "Person 7"


def test_of_many_who_do_the_same_at_once_one_wins(books: Books, start_server: StartServer) -> None:
    server = start_server()
    clients = [server.client(books.keys["ann"]) for _ in range(THREADS)]
    checkers = [server.client(books.keys["eve"]) for _ in range(THREADS)]
    for number in range(ROUNDS):
        id = one_entry(clients, f"entry {number}")
        one_change(clients, id)
        one_decision(clients, checkers, id)
    added = at_once(THREADS, lambda each: clients[each].post(ENTRIES, {"values": entry(books, f"of {each}", each)}))
    assert statuses(added) == {201: THREADS}
    wait_for_jobs(books)

    account = clients[0].get(f"{RECORDS}/account/records/{books.accounts[0]}").body["values"]
    assert (account["entries"], account["sum"]) == (THREADS, sum(range(THREADS)))
    assert broken(books.services) == []
    for client in (*clients, *checkers):
        client.__exit__()


def one_entry(clients: list[Client], title: str) -> int:
    """The same request, with one key, from everywhere: one entry."""
    body = {"values": {"title": title}}
    replies = at_once(THREADS, lambda each: clients[each].post(ENTRIES, body, title))
    assert set(statuses(replies)) <= {201, 409}, replies
    assert {reply.body["code"] for reply in replies if reply.status == 409} <= {"in_progress"}
    [id] = {reply.body["id"] for reply in replies if reply.status == 201}
    listed = clients[0].get(f"{ENTRIES}?filter=title%3D%3D'{title.replace(' ', '%20')}'").body["items"]
    assert [each["id"] for each in listed] == [id]
    return int(id)


def one_change(clients: list[Client], id: int) -> None:
    """The same version changed from everywhere: one change, and everybody else is told who was first."""

    def change(each: int) -> Reply:
        return clients[each].patch(f"{ENTRIES}/{id}", {"values": {"note": f"by {each}"}, "version": 1})

    replies = at_once(THREADS, change)
    assert statuses(replies) == {200: 1, 412: THREADS - 1}
    assert {reply.body["current_version"] for reply in replies if reply.status == 412} == {2}


def one_decision(clients: list[Client], checkers: list[Client], id: int) -> None:
    """The same task decided from everywhere: one decision."""
    started = clients[0].post(f"/api/v1/apps/{APP}/flows/check/instances", {"record": str(id)})
    assert started.status == 201, started
    [task] = checkers[0].get("/api/v1/tasks").body["items"]

    def decide(each: int) -> Reply:
        outcome = "approve" if each % 2 else "reject"
        return checkers[each].post(
            f"/api/v1/tasks/{task['id']}/{outcome}", {"version": task["version"], "comment": "so"}
        )

    replies = at_once(THREADS, decide)
    assert statuses(replies) == {200: 1, 409: THREADS - 1}
    assert {reply.body["code"] for reply in replies if reply.status == 409} == {"already_decided"}


def entry(books: Books, title: str, amount: int) -> dict[str, Any]:
    return {"title": title, "amount": amount, "account": str(books.accounts[0])}
