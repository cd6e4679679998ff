"""Every statement of a save failing in turn: nothing half done, and the same save works afterwards."""

from typing import Any

import sqlalchemy as sa

from runtime import reading, records, transaction
from runtime.db import tables
from tests.breaking import Broken, breaking


def fingerprint(office: Any) -> dict[str, list[Any]]:
    """Everything that is stored, table by table."""
    metadata = [*office.app.metadata.sorted_tables, tables.record_version, tables.cause, tables.counter]
    metadata += [tables.stage_span, tables.job, tables.trace]
    with office.reading("system") as tx:
        return {each.name: sorted(map(repr, tx.connection.execute(sa.select(each)))) for each in metadata}


def test_a_save_happens_wholly_or_not_at_all(office: Any) -> None:
    customer = office.create("dora", "customer", name="Acme", tags=["a"])
    first = office.create("dora", "deal", title="one", customer=str(customer.id), items=[{"what": "a", "price": 1}])
    row = str(office.truth("deal", first.id)["items"][0]["id"])

    def create() -> None:
        office.create("dora", "deal", title="two", customer=str(customer.id), items=[{"what": "b", "price": 2}])

    def change() -> None:
        version = office.truth("deal", first.id)["version"]
        rows = [{"id": row, "price": 5 + version}, {"what": "new"}]
        office.change("dora", "deal", first.id, version, title=f"next {version}", state="won", items=rows)

    def delete() -> None:
        office.delete("dora", "deal", first.id)

    def restore() -> None:
        office.restore("dora", "deal", first.id)

    for act in (create, change, delete, restore):
        before = fingerprint(office)
        number = 0
        while True:
            number += 1
            with breaking(office.services, number) as seen:
                try:
                    act()
                except Broken:
                    pass
                else:
                    break
            assert fingerprint(office) == before, f"{act.__name__} left something behind at: {seen[-1]}"
        assert number > 6
        assert fingerprint(office) != before


def test_reading_takes_few_statements(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme")
    deal = office.create("sven", "deal", title="one", customer=str(customer.id), items=[{"what": "a"}])
    actor = office.actor("sven")
    with transaction.read(office.services, actor) as tx, breaking(office.services) as seen:
        reading.get(tx, office.app, "customer", customer.id)
        assert len(seen) == 2, seen  # the record, its tags
        seen.clear()
        reading.get(tx, office.app, "deal", deal.id)
        assert len(seen) == 2, seen  # the record with its label and lookups, its rows
        seen.clear()
        reading.list_records(tx, office.app, "deal")
        assert len(seen) <= 2, seen


def test_creating_takes_few_statements(office: Any) -> None:
    office.create("sven", "customer", name="First", level="A")
    actor = office.actor("sven")
    with breaking(office.services) as seen:
        saved = transaction.run(
            office.services,
            actor,
            lambda tx: records.save(tx, office.app, "customer", None, {"name": "Acme", "level": "A"}),
        )
    assert len([each for each in seen if each not in ("BEGIN", "BEGIN IMMEDIATE")]) <= 4, seen
    with breaking(office.services) as seen:
        transaction.run(
            office.services,
            actor,
            lambda tx: records.save(tx, office.app, "customer", saved.id, {"name": "Acme Ltd"}, 1),
        )
    assert len([each for each in seen if each not in ("BEGIN", "BEGIN IMMEDIATE")]) <= 7, seen
