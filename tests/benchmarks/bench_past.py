"""A form of 100,000 records as it was at a moment: lists, counts, one record."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engines.actor import Actor, system
from runtime import history, identity, reading, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.reading import ListQuery
from tests.benchmarks.ground import APP, Ground, ground, seed, tell, timed

BATCH = 5_000
AUDITOR = {"role": "manager", "form": "deal", "may": ["read", "see_history"]}
LISTS: dict[str, ListQuery] = {
    "the first 50, capped count": ListQuery(),
    "the first 50, not counted": ListQuery(count="none"),
    "counted exactly": ListQuery(count="exact"),
    "filter on a stored formula": ListQuery(filter="weighted > 40000", count="exact"),
    "filter on the past of a link": ListQuery(filter="customer.name == 'Customer 7'", count="exact"),
    "sorted by an amount": ListQuery(sort="-amount", count="none"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--dialect", choices=("postgresql", "sqlite"), default="postgresql")
    asked = parser.parse_args()
    access = [*APP["access"], AUDITOR, {**AUDITOR, "form": "customer"}]
    with ground({**APP, "access": access}, asked.dialect) as made:
        seed(made, asked.records)
        then = made.services.clock() - timedelta(days=5)
        _remember(made)
        tell(f"{asked.records:,} records, half of them changed since; milliseconds by the clock, median and best of 5")
        with made.services.database.read() as connection:
            actor = identity.session_actor(made.services, connection, made.token).actor
        for name, query in LISTS.items():
            _tell(f"list, {name}", _list(made, actor, replace(query, as_of=then)))
        _tell("one record", _one(made, actor, then))


def _remember(made: Ground) -> None:
    """Give every record a history: made ten days ago; every other one changed yesterday."""

    def work(tx: Any) -> None:
        app = made.services.apps.live(tx, "sales")
        for form in (app.form("customer"), app.form("deal")):
            columns = {name: form.table.c[name] for name in ("id", "version", "owner", "department")}
            columns |= {each.id: form.table.c[each.column] for each in form.stored}
            records = tx.connection.execute(sa.select(*[c.label(name) for name, c in columns.items()])).mappings().all()
            for start in range(0, len(records), BATCH):
                part = records[start : start + BATCH]
                entries = [_entry(tx, app, form, each, 1, 10) for each in part]
                entries += [_entry(tx, app, form, each, 2, 1) for each in part[::2]]
                tx.connection.execute(sa.insert(tables.record_version), entries)

    writing, reader = made.services.database.write_unhurried(), transaction.read(made.services, system("bench"))
    with writing as connection, reader as known:
        work(replace(known, connection=connection))
    with made.services.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))


def _entry(tx: Any, app: Any, form: Any, record: Any, seq: int, days: int) -> dict[str, Any]:
    doc = history.document(tx, form, record)
    told = {"app": app.name, "form": form.id, "record": record["id"], "seq": seq, "version": seq, "cause": 1}
    at = tx.now - timedelta(days=days)
    return told | {"id": new_id(), "at": at, "op": "update", "forms_hash": "", "doc": doc, "changed": []}


def _list(made: Ground, actor: Actor, query: ListQuery) -> Callable[[], Any]:
    def work() -> None:
        with transaction.read(made.services, actor) as tx:
            assert reading.list_records(tx, made.services.apps.live(tx, "sales"), "deal", query).items, query

    return work


def _one(made: Ground, actor: Actor, then: Any) -> Callable[[], Any]:
    with transaction.read(made.services, actor) as tx:
        first = reading.list_records(tx, made.services.apps.live(tx, "sales"), "deal", ListQuery(size=1)).items[0].id

    def work() -> None:
        with transaction.read(made.services, actor) as tx:
            reading.get(tx, made.services.apps.live(tx, "sales"), "deal", first, as_of=then)

    return work


def _tell(name: str, work: Callable[[], Any]) -> None:
    work()
    median, best = timed(work)
    tell(f"{name:45}{median:9.1f}{best:9.1f}")


if __name__ == "__main__":
    main()
