"""Totals over the rows of other records, and over links that lead to several records."""

from typing import Any

import pytest

from tests.runtime.totals.conftest import CONTRACT, PRODUCT, PROMOTION, Shop, at_once, shop

THREADS = 8
ROUNDS = 4


@pytest.fixture
def pen(selling: Shop) -> int:
    return selling.save("product", name="Pen")


@pytest.fixture
def ink(selling: Shop) -> int:
    return selling.save("product", name="Ink")


def test_a_product_counts_what_the_rows_of_contracts_sell(selling: Shop, pen: int, ink: int) -> None:
    rows = [{"product": pen, "quantity": 2, "price": 3}, {"product": pen, "quantity": 5}, {"product": ink}]

    contract = selling.save("contract", items=rows)

    assert selling.values("product", pen, "sold", "lines", "dearest", "worth") == (7, 2, 6, 14)
    assert selling.values("product", ink, "sold", "lines", "dearest") == (1, 1, 1)
    assert selling.record("product", pen)["version"] == 1
    first, *_, last = selling.rows("contract", contract, "items")
    selling.save("contract", contract, items=[{**first, "quantity": 1}, {**last, "product": pen}])
    assert selling.values("product", pen, "sold", "lines", "dearest") == (2, 2, 3)
    assert selling.values("product", ink, "sold", "lines", "dearest") == (0, 0, None)


def test_a_condition_looks_at_the_row_and_at_its_record(selling: Shop, pen: int) -> None:
    contract = selling.save("contract", items=[{"product": pen, "quantity": 4}, {"product": pen, "quantity": 1}])
    assert selling.values("product", pen, "signed") == (0,)

    selling.save("contract", contract, state="signed")

    assert selling.values("product", pen, "signed", "sold") == (4, 5)
    selling.save("contract", contract, state="open")
    assert selling.values("product", pen, "signed") == (0,)


def test_rows_leave_with_their_record_and_come_back_with_it(selling: Shop, pen: int) -> None:
    contract = selling.save("contract", items=[{"product": pen, "quantity": 4, "price": 2}])

    selling.delete("contract", contract)
    assert selling.values("product", pen, "sold", "lines", "dearest") == (0, 0, None)

    selling.restore("contract", contract)
    assert selling.values("product", pen, "sold", "lines", "dearest") == (4, 1, 8)


def test_rows_that_lead_to_a_deleted_record_lead_nowhere(selling: Shop, pen: int, ink: int) -> None:
    contract = selling.save("contract", items=[{"product": pen, "quantity": 4}, {"product": ink, "quantity": 3}])

    selling.delete("product", pen)

    assert [row["product"] for row in selling.rows("contract", contract, "items")] == [None, ink]
    assert selling.values("product", ink, "sold") == (3,)
    assert selling.wrong() == []


def test_a_record_counts_for_each_record_that_it_links_to(selling: Shop, pen: int, ink: int) -> None:
    both = selling.save("promotion", percent=10, products=[pen, ink])
    selling.save("promotion", percent=5, products=[ink])
    assert selling.values("product", pen, "promoted", "best") == (1, 10)
    assert selling.values("product", ink, "promoted", "best") == (2, 10)

    selling.save("promotion", both, products=[pen])
    assert selling.values("product", ink, "promoted", "best") == (1, 5)

    selling.save("promotion", both, percent=20)
    assert selling.values("product", pen, "promoted", "best") == (1, 20)
    selling.delete("promotion", both)
    assert selling.values("product", pen, "promoted", "best") == (0, None)
    selling.restore("promotion", both)
    assert selling.values("product", pen, "promoted", "best") == (1, 20)


def test_publishing_totals_what_is_there_already(stage: Shop) -> None:
    bare = {**PRODUCT, "fields": PRODUCT["fields"][:1]}
    stage.publish(shop(bare, CONTRACT, PROMOTION))
    pen = stage.save("product", name="Pen")
    stage.save("contract", state="signed", items=[{"product": pen, "quantity": 4}, {"product": pen, "quantity": 1}])
    stage.save("promotion", percent=10, products=[pen])

    stage.publish(shop(PRODUCT, CONTRACT, PROMOTION))

    names = ("sold", "lines", "signed", "dearest", "promoted", "best", "worth")
    assert stage.values("product", pen, *names) == (5, 2, 4, 4, 1, 10, 10)


def test_a_retyped_link_and_quantity_are_totalled_again(selling: Shop, pen: int) -> None:
    selling.save("contract", items=[{"product": pen, "quantity": 4}])
    selling.save("promotion", percent=10, products=[pen])
    document: dict[str, Any] = shop(PRODUCT, CONTRACT, PROMOTION)
    row = document["forms"][1]["fields"][1]["fields"]
    row[0]["multiple"] = True
    row[1]["decimals"] = 2
    document["forms"][2]["fields"][1].pop("multiple")

    selling.publish(document)

    assert selling.values("product", pen, "sold", "promoted") == (4, 1)
    ink = selling.save("product", name="Ink")
    selling.save("contract", items=[{"product": [pen, ink], "quantity": 0.5}])
    assert selling.values("product", pen, "sold", "lines") == (4.5, 2)
    assert selling.values("product", ink, "sold", "lines") == (0.5, 1)
    assert selling.wrong() == []


def test_eight_writers_of_rows_and_lists_leave_exact_totals(selling: Shop, pen: int, ink: int) -> None:
    app = selling.app

    def write(number: int) -> None:
        for step in range(ROUNDS):
            first, second = (pen, ink) if (number + step) % 2 else (ink, pen)
            rows = [{"product": first, "quantity": number + 1, "price": step}, {"product": second, "quantity": 2}]
            contract = selling.save("contract", items=rows)
            selling.save("promotion", percent=number * 10 + step, products=[second, first])
            if step % 2:
                selling.save("contract", contract, items=selling.rows("contract", contract, "items")[:1])

    at_once([lambda number=number: write(number) for number in range(THREADS)])

    assert selling.wrong() == []
    assert selling.values("product", pen, "promoted") == (THREADS * ROUNDS,)
    assert app.form("product").rollups


GUESTS = [
    {"role": "guest", "form": "product", "may": ["read"]},
    {"role": "guest", "form": "contract", "may": ["read"], "fields": ["items"]},
]


@pytest.mark.parametrize(
    ("access", "seen"),
    [
        (GUESTS, {"sold", "lines", "dearest", "worth"}),
        ([GUESTS[0], {**GUESTS[1], "fields": ["state"]}], set()),
        ([GUESTS[0], {**GUESTS[1], "fields": ["items", "state"]}], {"sold", "lines", "dearest", "worth", "signed"}),
        ([GUESTS[0], {**GUESTS[1], "where": "owner == user"}], set()),
        (GUESTS[:1], set()),
    ],
)
def test_a_total_of_rows_shows_to_who_may_read_all_its_sources(
    stage: Shop, access: list[dict[str, Any]], seen: set[str]
) -> None:
    from engines import access as rights
    from engines.actor import Actor

    stage.publish(shop(PRODUCT, CONTRACT, PROMOTION, access=access))

    guest = Actor("user", 1, "Gus", roles={"shop": frozenset({"r_guest"})})
    product = stage.app.form("product")
    readable = {product.fields[id].name for id in rights.readable_fields(stage.app, guest, product.id)}
    assert readable - {"name"} == seen


def test_renaming_what_a_total_reads_changes_nothing(selling: Shop, pen: int) -> None:
    selling.save("contract", items=[{"product": pen, "quantity": 4}])
    document = shop(PRODUCT, CONTRACT, PROMOTION)
    contract = document["forms"][1]
    contract["fields"][0]["name"], contract["fields"][1]["name"] = "phase", "lines"
    contract["fields"][1]["fields"][1]["name"] = "pieces"

    selling.publish(document)

    sold = selling.app.form("product").field("signed").options
    assert (sold.rows, sold.sum, sold.where) == ("lines", "pieces", "record.phase == 'signed' and pieces > 1")
    selling.save("contract", lines=[{"product": pen, "pieces": 3}])
    assert selling.values("product", pen, "sold") == (7,)
