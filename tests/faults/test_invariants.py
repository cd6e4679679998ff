"""The checker is no rubber stamp: what is broken by hand is told, each by its name."""

from typing import Any

import pytest
import sqlalchemy as sa

from engines.actor import system
from runtime import records, transaction
from runtime.db import ddl, tables
from runtime.db.ids import new_id
from tests.faults.books import APP, Books
from tests.faults.invariants import broken


@pytest.fixture
def filled(books: Books) -> Books:
    """Two entries in one account."""

    def enter(tx: transaction.Tx) -> None:
        app = books.services.apps.live(tx, APP)
        for amount in (3, 4):
            values = {"title": f"of {amount}", "amount": amount, "account": str(books.accounts[0]), "tags": ["x"]}
            records.save(tx, app, "entry", None, {**values, "items": [{"what": "a", "price": 1}]})

    transaction.run(books.services, system("test"), enter)
    return books


def form_table(books: Books, form: str) -> sa.Table:
    with books.services.database.read() as connection:
        return books.services.apps.live(connection, APP).forms[form].table


def tamper(books: Books, statement: Any) -> None:
    with books.services.database.write() as connection:
        assert connection.execute(statement).rowcount


TAMPERED: list[tuple[str, str, Any, str]] = [
    ("t_account", "f_sum", 8, "f_sum is 8"),
    ("t_account", "f_entries", 3, "f_entries is 3"),
    ("t_entry", "f_total", 99, "f_total is 99"),
    ("t_entry", "version", 2, "has version 2, its history tells of [1]"),
    ("t_entry", "f_number", "E00007", "are not 1 to 2"),
    ("t_entry", "f_account", 4711, "points to account 4711"),
]


def test_a_value_changed_behind_the_door_is_told(filled: Books) -> None:
    assert broken(filled.services) == []
    for form, column, value, told in TAMPERED:
        table = form_table(filled, form)
        first = sa.select(sa.func.min(table.c.id)).scalar_subquery()

        tamper(filled, table.update().where(table.c.id == first).values({column: value}))

        assert told in "\n".join(broken(filled.services))


def test_history_that_is_lost_or_of_nobody_is_told(filled: Books) -> None:
    entry = form_table(filled, "t_entry")
    history = tables.record_version
    with filled.services.database.read() as connection:
        first, second = connection.scalars(sa.select(entry.c.id).order_by(entry.c.id))
    tamper(filled, history.delete().where(history.c.form == "t_entry", history.c.record == first))
    tamper(filled, history.update().where(history.c.record == second).values(record=new_id()))

    lines = "\n".join(broken(filled.services))
    assert f"entry {first} has version 1, its history tells of []" in lines
    assert "there is a history of entry" in lines


def test_a_missing_column_is_told(filled: Books) -> None:
    table = form_table(filled, "t_entry")
    with filled.services.database.write() as connection:
        connection.execute(sa.text(f"ALTER TABLE {table.name} RENAME COLUMN f_code TO f_gone"))

    with filled.services.database.read() as connection:
        assert ddl.drift(connection, filled.services.apps.live(connection, APP))
