"""One Database means the same on SQLite and PostgreSQL: all or nothing, one writer at a time, clear refusals."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import exc, insert, inspect, select, text

from runtime.db import tables
from runtime.db.engine import Database, open_database
from runtime.db.ids import new_id
from runtime.db.locks import FairLock
from runtime.db.refusals import DatabaseBusy, TooSlow


def test_ddl_is_rolled_back_with_everything_else(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(text("CREATE TABLE a1_half (id INTEGER)"))
        connection.execute(text("ALTER TABLE ff_department ADD COLUMN half INTEGER"))
        raise RuntimeError("stop here")

    with database.read() as connection:
        assert not inspect(connection).has_table("a1_half")
        assert "half" not in {column["name"] for column in inspect(connection).get_columns("ff_department")}


def test_a_write_is_seen_by_the_next_reader(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.department).values(id=1, name="销售部", active=True))

    with database.read() as connection:
        assert connection.execute(select(tables.department.c.name)).scalar_one() == "销售部"


def test_moments_come_back_in_utc_and_json_comes_back_exact(database: Database) -> None:
    moment = datetime(2026, 11, 20, 17, 30, 15, 123456, tzinfo=timezone(timedelta(hours=8)))
    detail = {"amount": Decimal("80000.10"), "count": Decimal("3"), "name": "张伟", "ids": frozenset({2, 1})}
    with database.write() as connection:
        connection.execute(
            insert(tables.audit).values(
                seq=new_id(), at=moment, actor_kind="system", action="test", detail=detail, result="ok"
            )
        )

    with database.read() as connection:
        row = connection.execute(select(tables.audit)).one()
    assert row.at == moment
    assert row.at.tzinfo is UTC
    assert row.detail == {"amount": 80000.1, "count": 3, "name": "张伟", "ids": [1, 2]}


@pytest.mark.parametrize("statement", ["DELETE FROM ff_audit", "UPDATE ff_audit SET action = 'nothing'"])
def test_the_audit_trail_cannot_be_changed(database: Database, now: datetime, statement: str) -> None:
    with database.write() as connection:
        connection.execute(
            insert(tables.audit).values(seq=1, at=now, actor_kind="user", action="sign_in", detail={}, result="ok")
        )

    with pytest.raises(exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.execute(text(statement))


def test_two_threads_that_count_up_never_lose_a_step(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.epoch).values(name="steps", value=0))

    def count() -> None:
        for _ in range(20):
            with database.write() as connection:
                locked = select(tables.epoch.c.value).where(tables.epoch.c.name == "steps").with_for_update()
                value = connection.execute(locked).scalar_one()
                connection.execute(tables.epoch.update().values(value=value + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as connection:
        assert connection.execute(select(tables.epoch.c.value)).scalar_one() == 80


def test_a_deadlock_is_run_again(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("one writer cannot deadlock")
    with database.write() as connection:
        connection.execute(insert(tables.epoch), [{"name": "a", "value": 0}, {"name": "b", "value": 0}])
    both_hold_one = threading.Barrier(2, timeout=10)
    runs: list[str] = []

    def touch(first: str, second: str) -> None:
        def work(connection: object) -> None:
            again = first in runs
            runs.append(first)
            for name in (first, second):
                change = tables.epoch.update().where(tables.epoch.c.name == name)
                connection.execute(change.values(value=tables.epoch.c.value + 1))  # type: ignore[attr-defined]
                if name == first and not again:
                    both_hold_one.wait()

        database.run(work)

    threads = [threading.Thread(target=touch, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as connection:
        assert connection.execute(select(tables.epoch.c.value)).scalars().all() == [2, 2]
    assert len(runs) > 2


def test_a_locked_sqlite_file_is_busy_not_broken(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'one.sqlite3'}", busy_seconds=0.05)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE t (id INTEGER)"))
    other = sqlite3.connect(tmp_path / "one.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseBusy), database.write():
        pytest.fail("nobody may write now")

    other.execute("ROLLBACK")
    other.close()
    with database.write() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    database.dispose()


def test_a_write_inside_a_write_is_refused_soon(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'one.sqlite3'}", busy_seconds=0.05)
    with database.write(), pytest.raises(DatabaseBusy), database.write():
        pass
    database.dispose()


def test_a_question_that_takes_too_long_is_stopped(database: Database) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) FROM n"
    )
    with pytest.raises(TooSlow), database.read(0.05) as connection:
        connection.execute(text(endless))


def test_the_time_a_list_may_take_holds_for_lists_only(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("there the reader keeps the time, and nothing is left behind")
    said = text("SHOW statement_timeout")
    with database.read(2.0) as connection:
        assert connection.execute(said).scalar() == "2s"
    with database.write() as connection:
        assert connection.execute(said).scalar() == "30s"
    with database.read() as connection:
        assert connection.execute(said).scalar() == "30s"
    with database.read(10.0) as connection:
        assert connection.execute(said).scalar() == "10s"


def test_a_closed_server_connection_is_replaced(
    database: Database, other_connection: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("a file does not hang up")
    monkeypatch.setattr("runtime.db.engine.IDLE_SECONDS_BEFORE_PING", -1.0)
    with database.read() as connection:
        victim = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with other_connection().read() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim})

    with database.read() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != victim


def test_ids_grow_and_never_repeat() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert 0 < ids[-1] < 2**63


def test_the_lock_is_first_come_first_served() -> None:
    lock, order, ready = FairLock(), [], []
    assert lock.acquire(1)

    def wait(number: int) -> None:
        ready[number].set()
        lock.acquire(10)
        order.append(number)
        lock.release()

    threads = []
    for number in range(5):
        ready.append(threading.Event())
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(lock._waiting) <= number:
            pass
    lock.release()
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]


def test_who_gives_up_waiting_leaves_the_queue() -> None:
    lock = FairLock()
    assert lock.acquire(1)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(lock.acquire(0.01)))
    thread.start()
    thread.join()
    lock.release()

    assert answers == [False]
    assert lock.acquire(0)


def test_a_second_opener_sees_what_the_first_wrote(
    database: Database, other_connection: Callable[[], Database]
) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.department).values(id=1, name="Legal", active=True))

    with other_connection().read() as connection:
        assert connection.execute(select(tables.department.c.name)).scalar_one() == "Legal"
