"""Rows in memory and the same rows in tables, written past the door so that every value can be chosen."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from engines.compiled import CompiledApp
from runtime import storage
from tests.runtime.records.reference import SCOPES

LONG_AGO = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
FIELDS = {
    "customer": ("name", "level", "secret", "credit", "tags", "deals", "sold", "largest", "average", "double_sold"),
    "deal": ("title", "customer", "state", "margin", "note", "due", "items", "total", "gain", "customer_level")
    + ("customer_secret",),
}
CUSTOMERS, DEALS = (101, 102, 103, 104), (201, 202, 203, 204, 205)

texts = st.sampled_from([None, "Acme", "Bolt", "acme 100%", "Zürich 公司"])
numbers = st.sampled_from([None, Decimal("-2.50"), Decimal("0.00"), Decimal("4.25"), Decimal("7.00")])
counts = st.sampled_from([Decimal(0), Decimal(1), Decimal(3)])
places = st.integers(0, 2)  # of a person or a department in the office


def customers() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "owner": places,
            "department": places,
            "name": texts,
            "level": st.sampled_from([None, "A", "B", "C"]),
            "secret": texts,
            "credit": numbers,
            "tags": st.sampled_from([(), ("vip",), ("x", "vip")]),
            "deals": counts,
            "sold": numbers,
            "largest": numbers,
            "average": numbers.map(lambda value: None if value is None else value.quantize(Decimal("0.0001"))),
            "double_sold": numbers,
        }
    )


def deals() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "owner": places,
            "department": places,
            "title": texts,
            "customer": st.sampled_from([None, *CUSTOMERS]),
            "state": st.sampled_from(["open", "won", "lost"]),
            "margin": numbers,
            "note": texts,
            "due": st.sampled_from([None, date(2026, 11, 1), date(2026, 12, 24)]),
            "items": st.lists(numbers, max_size=2).map(lambda prices: [{"price": each} for each in prices]),
            "total": numbers,
            "gain": numbers,
        }
    )


def worlds() -> st.SearchStrategy[dict[str, dict[int, dict[str, Any]]]]:
    """Four customers and five deals, some of which are missing."""

    def table(ids: tuple[int, ...], rows: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
        return st.lists(st.none() | rows, min_size=len(ids), max_size=len(ids)).map(
            lambda made: {id: _whole(id, row) for id, row in zip(ids, made, strict=True) if row is not None}
        )

    return st.fixed_dictionaries({"customer": table(CUSTOMERS, customers()), "deal": table(DEALS, deals())})


def _whole(id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": id, "version": 1, "created_at": LONG_AGO, "updated_at": LONG_AGO, **row}


def settled(world: Mapping[str, Mapping[int, Mapping[str, Any]]], people: list[int], departments: list[int]) -> Any:
    """The world with the people and departments of this office."""

    def settle(row: Mapping[str, Any]) -> dict[str, Any]:
        owner, department = people[row["owner"]], departments[row["department"]]
        return {**row, "owner": owner, "department": department, "created_by": owner, "updated_by": owner}

    return {form: {id: settle(row) for id, row in rows.items()} for form, rows in world.items()}


def entries() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Access entries of one role, for both forms."""

    def entry(form: str) -> st.SearchStrategy[dict[str, Any]]:
        fields = st.none() | st.lists(st.sampled_from(FIELDS[form]), min_size=1, unique=True)
        verbs = st.lists(st.sampled_from(["read", "update", "delete"]), min_size=1, unique=True)
        return st.builds(
            lambda scope, fields, verbs: {
                "role": "seller",
                "form": form,
                "may": sorted(verbs),
                **({"where": scope} if scope else {}),
                **({"fields": fields} if fields else {}),
            },
            st.sampled_from([*SCOPES[form]]),
            fields,
            verbs.map(lambda chosen: sorted({*chosen, "read"})) | verbs,
        )

    return st.tuples(
        st.lists(entry("customer"), min_size=1, max_size=3), st.lists(entry("deal"), min_size=1, max_size=3)
    ).map(lambda both: both[0] + both[1])


def fill(tx: Any, app: CompiledApp, world: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> None:
    """Make the tables hold exactly this world."""
    for table in reversed(app.metadata.sorted_tables):
        tx.connection.execute(sa.delete(table))
    for name in ("customer", "deal"):
        form = app.form(name)
        for row in world[name].values():
            record = {form.field_ids.get(key, key): value for key, value in row.items()}
            storage.insert(tx, form, {**record, "deleted_at": None})
            _fill_rows(tx, app, row)


def _fill_rows(tx: Any, app: CompiledApp, row: Mapping[str, Any]) -> None:
    if row.get("items"):
        rows = app.forms["f_items"].table
        values = [
            {
                "id": row["id"] * 10 + place,
                "record": row["id"],
                "position": place,
                "f_what": "x",
                "f_price": each["price"],
            }
            for place, each in enumerate(row["items"])
        ]
        tx.connection.execute(sa.insert(rows), values)
