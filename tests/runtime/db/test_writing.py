"""Rows of several tables, written in one statement where the database can."""

from datetime import UTC, datetime

import sqlalchemy as sa

from runtime.db import tables
from runtime.db.engine import Database
from runtime.db.writing import write_rows

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def cause(id: int) -> dict[str, object]:
    return {"id": id, "kind": "request", "actor": 7, "actor_kind": "user", "at": AT}


def version(id: int, cause: int) -> dict[str, object]:
    named = {"app": "crm", "form": "t_deal", "record": 5, "seq": id, "version": 1, "at": AT, "cause": cause}
    return {"id": id, **named, "op": "create", "forms_hash": "x", "doc": {"f_note": "量"}, "changed": ["f_note"]}


def test_single_rows_of_several_tables_arrive_whole(database: Database) -> None:
    with database.write() as connection:
        write_rows(connection, {tables.cause: [cause(1)], tables.record_version: [version(2, 1)], tables.trace: []})

    with database.read() as connection:
        kept = connection.execute(sa.select(tables.record_version)).mappings().one()
        assert connection.scalar(sa.select(tables.cause.c.id)) == 1
    assert kept["doc"] == {"f_note": "量"}
    assert (kept["cause"], kept["at"]) == (1, AT)


def test_many_rows_of_a_table_go_beside_single_ones_of_others(database: Database) -> None:
    with database.write() as connection:
        write_rows(connection, {tables.cause: [cause(1)], tables.record_version: [version(2, 1), version(3, 1)]})

    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.record_version)) == 2
        assert connection.scalar(sa.select(tables.cause.c.kind)) == "request"
