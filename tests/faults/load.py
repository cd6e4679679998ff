"""People at work: clerks who enter, change and submit, a checker who approves; each knows what was acknowledged."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.faults.books import APP, CLERKS, RECORDS, Books
from tests.faults.ledger import Ledger
from tests.faults.server import Client, NoAnswer, Reply, Server

BREATH_SECONDS = 0.03
ENTRIES = f"{RECORDS}/entry/records"
FINE = (200, 201)


@dataclass
class Clerk:
    """Enters, changes and submits his own entries; asks again, under the same key, what was not answered."""

    account: int
    ledger: Ledger
    dice: random.Random
    mine: dict[int, int] = field(default_factory=dict)  # id -> version that he saw last
    unanswered: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)  # path, body, key

    def work(self, client: Client) -> None:
        if self.unanswered:
            self._ask(client, *self.unanswered[0])
            self.unanswered.pop(0)
            return
        act = self.dice.choices((self._enter, self._change, self._submit), (5, 4, 2))[0]
        act(client)

    def _enter(self, client: Client) -> None:
        title = uuid4().hex
        items = [{"what": "a", "price": self.dice.randrange(100)}] * self.dice.randrange(3)
        values = {"title": title, "account": str(self.account), "amount": self.dice.randrange(10_000) / 100}
        self.ledger.asked.add(title)
        self._once(client, ENTRIES, {"values": {**values, "items": items, "tags": ["x"]}}, title)
        if self.dice.random() < 0.2:  # a nervous finger
            self._once(client, ENTRIES, {"values": {**values, "items": items, "tags": ["x"]}}, title)

    def _change(self, client: Client) -> None:
        if not self.mine:
            return
        id, note = self.dice.choice(list(self.mine)), uuid4().hex
        reply = client.patch(f"{ENTRIES}/{id}", {"values": {"note": note}, "version": self.mine[id]})
        if reply.status == 200:
            self.mine[id] = reply.body["version"]
            self.ledger.noted[id, reply.body["version"]] = note
        elif reply.status == 412:
            self.mine[id] = client.get(f"{ENTRIES}/{id}").body["version"]
        elif reply.status != 423:
            self._complain("change", reply)

    def _submit(self, client: Client) -> None:
        if self.mine:
            body = {"record": str(self.dice.choice(list(self.mine)))}
            self._once(client, f"/api/v1/apps/{APP}/flows/check/instances", body, uuid4().hex)

    def _once(self, client: Client, path: str, body: dict[str, Any], key: str) -> None:
        try:
            self._ask(client, path, body, key)
        except NoAnswer:
            self.unanswered.append((path, body, key))
            raise

    def _ask(self, client: Client, path: str, body: dict[str, Any], key: str) -> None:
        reply = client.post(path, body, key)
        if path != ENTRIES:
            if reply.status not in (201, 409):
                self._complain("submit", reply)
        elif reply.status == 201:
            id = int(reply.body["id"])
            if self.ledger.created.setdefault(key, id) != id:
                self.ledger.refused.append(f"a repeat of {key} made {id} beside {self.ledger.created[key]}")
            self.mine.setdefault(id, reply.body["version"])
        else:
            self._complain("enter", reply)

    def _complain(self, what: str, reply: Reply) -> None:
        self.ledger.refused.append(f"{what}: {reply.status} {reply.body}")


@dataclass
class Checker:
    """Approves what comes."""

    ledger: Ledger
    dice: random.Random

    def work(self, client: Client) -> None:
        tasks = client.get("/api/v1/tasks")
        if tasks.status != 200:
            self.ledger.refused.append(f"tasks: {tasks.status} {tasks.body}")
        for task in tasks.body["items"][:2]:
            reply = client.post(f"/api/v1/tasks/{task['id']}/approve", {"version": task["version"]}, uuid4().hex)
            if reply.status == 200:
                self.ledger.approved.add(int(task["id"]))
            elif reply.status != 409:
                self.ledger.refused.append(f"approve: {reply.status} {reply.body}")
        time.sleep(10 * BREATH_SECONDS)


@dataclass
class Load:
    """All of them at once, until they are told to stop or their server goes away."""

    books: Books
    ledger: Ledger = field(default_factory=Ledger)
    people: dict[str, Clerk | Checker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, name in enumerate(CLERKS):
            account = self.books.accounts[number % len(self.books.accounts)]
            self.people[name] = Clerk(account, self.ledger, random.Random(number))
        self.people["eve"] = Checker(self.ledger, random.Random("eve"))

    def during(self, servers: list[Server], what: Callable[[], object]) -> None:
        """Let them work while something happens."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._work, args=(name, servers[number % len(servers)], stop))
            for number, name in enumerate(self.people)
        ]
        for thread in threads:
            thread.start()
        try:
            what()
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def ask_again(self, server: Server) -> None:
        """Ask once more, under the same keys, what was never answered."""
        for name, person in self.people.items():
            with server.client(self.books.keys[name]) as client:
                while isinstance(person, Clerk) and person.unanswered:
                    person.work(client)

    def _work(self, name: str, server: Server, stop: threading.Event) -> None:
        with suppress(NoAnswer), server.client(self.books.keys[name]) as client:
            while not stop.is_set():
                self.people[name].work(client)
                time.sleep(BREATH_SECONDS)
