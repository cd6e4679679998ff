"""What a publish makes of the values that are there: numbered, moved, converted, and told in their history."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from engines.actor import system
from runtime import reading
from runtime.db import tables
from runtime.services import Services
from runtime.transaction import read
from tests.builder_api.conftest import Install, Save, field_of, order_fields, shop

Load = Callable[[str, int], dict[str, Any]]


def test_records_that_were_there_before_are_numbered_in_the_order_of_their_creation(
    install: Install, save: Save, load: Load
) -> None:
    install(shop(rules=[]))
    ids = [save("order", {"title": title}) for title in ("First", "Second", "Third")]

    install(_with_numbers())
    later = save("order", {"title": "Fourth"})

    assert [load("order", id)["number"] for id in (*ids, later)] == ["A-001", "A-002", "A-003", "A-004"]


def test_each_counts_in_the_period_in_which_it_was_created(
    install: Install, services: Services, save: Save, load: Load
) -> None:
    install(shop(rules=[]))
    old, new = save("order", {"title": "Old"}), save("order", {"title": "New"})
    _created(services, old, datetime(2024, 5, 1, tzinfo=UTC))

    install(_with_numbers("{YYYY}-{000}"))
    next_one = save("order", {"title": "Next"})

    assert [load("order", id)["number"] for id in (old, new, next_one)] == ["2024-001", "2026-001", "2026-002"]


def test_a_text_that_becomes_a_number_keeps_what_stands_there(install: Install, save: Save, load: Load) -> None:
    install(shop(rules=[]))
    kept, blank = save("order", {"title": "Kept", "code": "A-001"}), save("order", {"title": "Blank"})
    document = shop(rules=[])
    field_of(document, "code").update({"type": "auto_number", "pattern": "A-{000}"})

    install(document, accept_losses=True)

    assert [load("order", id)["code"] for id in (kept, blank)] == ["A-001", "A-002"]


def test_a_moved_option_is_told_in_the_history(install: Install, services: Services, save: Save) -> None:
    install(shop(rules=[]))
    moved, other = save("order", {"title": "Paid", "state": "paid"}), save("order", {"title": "Open"})
    document = shop(rules=[])
    field_of(document, "state")["options"] = ["open", {"value": "settled", "was": ["paid"]}]

    install(document)

    [entry] = _entries(services, moved, op="published")
    state = _id(services, "state")
    assert (entry.doc[state], entry.changed, entry.version, entry.seq) == ("settled", [state], 2, 2)
    assert _entries(services, other, op="published") == []
    assert _as_of(services, moved)[state] == "settled"


def test_a_converted_value_is_told_in_the_history(install: Install, services: Services, save: Save) -> None:
    install(shop(rules=[]))
    good, bad = save("order", {"title": "Good", "code": "12.5"}), save("order", {"title": "Bad", "code": "twelve"})
    document = shop(rules=[])
    field_of(document, "code").update({"type": "number"})

    install(document, accept_losses=True)

    code = _id(services, "code")
    assert [entry.doc.get(code) for entry in _entries(services, good, op="published")] == ["12.5000"]
    assert [entry.doc.get(code) for entry in _entries(services, bad, op="published")] == [None]


def test_a_value_of_a_row_is_told_beside_its_record(install: Install, services: Services, save: Save) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "Rows", "items": [{"price": 2, "count": 3}, {"price": 4}]})
    document = shop(rules=[])
    document["forms"][1]["fields"] = [each for each in order_fields(document) if each["name"] != "total"]
    field_of(document, "items")["fields"][1].update({"type": "text"})

    install(document, accept_losses=True)
    save("order", {"title": "Saved again"}, id)

    [entry] = _entries(services, id, op="published")
    assert entry.changed == [_id(services, "items")]
    with services.database.read() as connection:
        rows = connection.execute(
            sa.select(tables.record_version).where(tables.record_version.c.form == _id(services, "items"))
        )
        assert [row.version for row in rows if row.version == 2] == [2]


def test_a_stage_that_another_takes_over_goes_on_and_is_not_entered_anew(
    install: Install, services: Services, save: Save
) -> None:
    staged = shop(rules=[])
    field_of(staged, "state")["stage"] = True
    install(staged)
    id = save("order", {"title": "Paid", "state": "open"})
    save("order", {"state": "paid"}, id)
    before = _spans(services, id)
    field_of(staged, "state")["options"] = ["open", {"value": "settled", "was": ["paid"]}]

    install(staged)

    after = _spans(services, id)
    assert [(row.value, row.from_value) for row in after] == [("open", None), ("settled", "open")]
    assert [(row.entered_at, row.left_at) for row in after] == [(row.entered_at, row.left_at) for row in before]


def test_a_record_in_the_trash_is_numbered_but_its_history_ends_with_its_deletion(
    install: Install, services: Services, save: Save
) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "Gone"})
    with services.database.read() as connection:
        table = services.apps.live(connection, "shop").form("order").table
    with services.database.write() as connection:
        connection.execute(sa.update(table).values(deleted_at=services.clock()))

    install(_with_numbers())

    assert _entries(services, id, op="published") == []


def _with_numbers(pattern: str = "A-{000}") -> dict[str, Any]:
    document = shop(rules=[])
    order_fields(document).append({"name": "number", "type": "auto_number", "pattern": pattern})
    return document


def _created(services: Services, id: int, moment: datetime) -> None:
    with services.database.read() as connection:
        table = services.apps.live(connection, "shop").form("order").table
    with services.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == id).values(created_at=moment))


def _id(services: Services, name: str) -> str:
    with services.database.read() as connection:
        return services.apps.live(connection, "shop").form("order").field_ids[name]


def _entries(services: Services, record: int, op: str) -> list[Any]:
    entry = tables.record_version
    wanted = sa.select(entry).where(entry.c.record == record, entry.c.op == op)
    with services.database.read() as connection:
        return list(connection.execute(wanted))


def _spans(services: Services, record: int) -> list[Any]:
    span = tables.stage_span
    with services.database.read() as connection:
        return list(connection.execute(sa.select(span).where(span.c.record == record).order_by(span.c.seq)))


def _as_of(services: Services, record: int) -> Any:
    with read(services, system("test")) as tx:
        app = services.apps.live(tx, "shop")
        return reading.get(tx, app, "order", record, as_of=tx.now).values
