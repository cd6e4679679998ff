"""Publishing while people save: nobody gets an error, no value goes astray; a second process follows at once.

That a publish happens wholly or not at all, and that of two at once one wins: tests/builder_api/test_publish.py.
"""

import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from engines.actor import system
from runtime import transaction
from runtime.apps import lock_key
from tests.faults.books import APP, Books, definition, publish, with_extra, with_numbers
from tests.faults.conftest import StartServer
from tests.faults.invariants import broken
from tests.faults.load import ENTRIES, Load
from tests.faults.post_office import PostOffice
from tests.faults.server import Client
from tests.faults.test_kill import until, wait_for_jobs

PUBLISHED_SECONDS = 30


@pytest.mark.slow
def test_fields_come_go_and_change_their_type_while_people_save(
    books: Books, start_server: StartServer, post_office: PostOffice
) -> None:
    server, load = start_server(), Load(books)
    with server.client(books.keys["ann"]) as ann:
        coded = {code: enter(ann, books, code=code) for code in ("12.5", "about twelve")}
    load.ledger.asked.update(coded)
    numbers: list[int] = []

    def publish_often() -> None:
        with server.client(books.keys["kim"]) as kim:
            for document in (with_extra(), definition(), with_numbers(), definition(), with_numbers()):
                time.sleep(0.3)
                numbers.append(publish(kim, document))
            time.sleep(0.3)

    load.during([server], publish_often)
    wait_for_jobs(books)

    assert numbers == [2, 3, 4, 5, 6]
    with server.client(books.keys["ann"]) as ann:
        assert [ann.get(f"{ENTRIES}/{id}").body["values"].get("code") for id in coded.values()] == [12.5, None]
    assert load.ledger.contradictions(books, post_office.came) == [], server.said()
    assert broken(books.services) == []


@pytest.mark.slow
def test_a_second_process_follows_each_publish_with_its_next_request_while_people_save(
    books: Books, start_server: StartServer, post_office: PostOffice, dialect: str
) -> None:
    if dialect == "sqlite":
        pytest.skip("a SQLite file has one process")
    servers, load = [start_server(), start_server("--no-worker")], Load(books)

    def publish_and_look() -> None:
        with servers[0].client(books.keys["kim"]) as kim, servers[1].client(books.keys["ann"]) as ann:
            assert refused(ann, books, extra="new")
            publish(kim, with_extra())
            load.ledger.asked.add("extra")
            id = enter(ann, books, title="extra", extra="new")
            assert ann.get(f"{ENTRIES}/{id}").body["values"]["extra"] == "new"

            publish(kim, with_numbers())
            assert refused(ann, books, extra="gone")
            assert "extra" not in ann.get(f"{ENTRIES}/{id}").body["values"]
            changed = ann.patch(f"{ENTRIES}/{id}", {"values": {"code": 7}, "version": 1})
            assert changed.status == 200, changed
            assert [each["id"] for each in ann.get(f"{ENTRIES}?filter=code%3D%3D7").body["items"]] == [str(id)]

    load.during(servers, publish_and_look)
    wait_for_jobs(books)

    assert load.ledger.contradictions(books, post_office.came) == [], [server.said() for server in servers]
    assert broken(books.services) == []


def test_a_publish_waits_for_a_writer_and_the_writer_ends_with_the_app_he_began_with(
    books: Books, start_server: StartServer, dialect: str
) -> None:
    if dialect == "sqlite":
        pytest.skip("SQLite's one writer does for both")
    from runtime import records

    server, services = start_server("--no-worker"), books.services
    told: list[int] = []

    def publish_there() -> None:
        with server.client(books.keys["kim"]) as kim:
            told.append(publish(kim, with_extra()))

    publishing = threading.Thread(target=publish_there)
    with transaction.begin(services, system("test")) as tx:
        app = services.apps.live(tx, APP)
        publishing.start()
        until(lambda: somebody_waits(books))
        assert told == []
        id = records.save(tx, app, "entry", None, {"title": "meanwhile"}).id
    publishing.join(PUBLISHED_SECONDS)

    assert told == [2]
    with server.client(books.keys["ann"]) as ann:
        assert enter(ann, books, extra="new")
        assert ann.get(f"{ENTRIES}/{id}").body["values"]["title"] == "meanwhile"
    assert broken(services) == []


def somebody_waits(books: Books) -> bool:
    """Whether a process stands before the app's lock."""
    number = lock_key(APP) & 0xFFFFFFFF
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = :number")
    with books.services.database.read() as connection:
        return bool(connection.scalar(waiting, {"number": number}))


def enter(client: Client, books: Books, **values: Any) -> int:
    """Enter something; `title` is the code where there is none."""
    values = {"title": values.get("code", "entry"), "account": str(books.accounts[0]), **values}
    reply = client.post(ENTRIES, {"values": values})
    assert reply.status == 201, reply
    return int(reply.body["id"])


def refused(client: Client, books: Books, **values: Any) -> bool:
    """Whether a field is unknown here."""
    reply = client.post(ENTRIES, {"values": {"title": "entry", **values}})
    return reply.status == 422 and reply.body["errors"][0]["code"] in ("unknown_key", "unknown_field")
