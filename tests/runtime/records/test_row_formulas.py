"""What the formulas of a row read of their record shows to nobody who may not read it there."""

from collections.abc import Mapping
from typing import Any

import pytest

from builder_api.publish import import_document
from engines.access import readable_names
from engines.actor import system
from engines.compiled import CompiledApp
from metadata.problems import Invalid
from runtime import organisation, reading, records, reports, transaction
from runtime.services import Services
from runtime.web.api.record_json import entry_json, record_json
from tests.runtime.records.conftest import Office

SECRET = 7919


def _formula(name: str, formula: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "formula", "formula": formula, "decimals": 0, **more}


def _report(name: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "form": "quote",
        "rows": "items",
        "dimensions": [{"name": "what", "field": "what"}],
        "measures": [{"name": "summed", "sum": value}],
        "chart": {"type": "table"},
    }


DOCUMENT: Mapping[str, Any] = {
    "format": 1,
    "app": "office",
    "title": "Office",
    "roles": [{"id": f"r_{name}", "name": name} for name in ("boss", "clerk", "mixed")],
    "forms": [
        {"name": "product", "fields": [
            {"name": "name", "type": "text"},
            {"name": "spent", "type": "rollup", "form": "quote", "rows": "items", "link": "product", "sum": "leak"},
            {"name": "asked", "type": "rollup", "form": "quote", "rows": "items", "link": "product", "sum": "plain"},
        ]},
        {"name": "quote", "label": "{{name}}", "fields": [
            {"name": "name", "type": "text"},
            {"name": "cost", "type": "number", "decimals": 0},
            {"name": "items", "type": "subform", "fields": [
                {"name": "what", "type": "text"},
                {"name": "product", "type": "link", "form": "product"},
                {"name": "quantity", "type": "number", "decimals": 0},
                _formula("plain", "quantity * 2"),
                _formula("leak", "record.cost * quantity"),
                _formula("again", "leak + 1"),
                _formula("today_too", "IF(today > DATE(2000, 1, 1), again, 0)"),
                _formula("told", "record.cost - quantity", declassify=True),
            ]},
            _formula("summed", "sum(items.again)"),
            _formula("chosen", "SUMIF(items.quantity, items.leak > 5)"),
            _formula("open", "sum(items.plain)"),
        ]},
    ],
    "reports": [_report("leaks", "leak"), _report("sums", "plain")],
    "access": [
        {"role": "boss", "form": "quote", "may": ["create", "read", "update", "see_history"]},
        {"role": "boss", "form": "product", "may": ["create", "read", "see_history"]},
        {"role": "clerk", "form": "product", "may": ["read", "see_history"]},
        {"role": "clerk", "form": "quote", "may": ["read", "update", "see_history"],
         "fields": ["name", "items", "summed", "chosen", "open"]},
        {"role": "mixed", "form": "quote", "may": ["read", "see_history"], "where": "name == 'own'"},
        {"role": "mixed", "form": "quote", "may": ["read", "see_history"], "fields": ["name", "items"]},
    ],
}  # fmt: skip
HIDDEN = {"leak", "again"}


@pytest.fixture
def rows(services: Services) -> Office:
    """A boss who may read what a quote costs, a clerk who may not, and one who may in some quotes only."""
    import_document(services, DOCUMENT)

    def begin(tx: Any) -> dict[str, int]:
        return {each: organisation.add_member(tx, each, f"{each}@example.com") for each in ("boss", "clerk", "mixed")}

    people = transaction.run(services, system("test"), begin)
    with transaction.read(services, system("test")) as tx:
        app: CompiledApp = services.apps.live(tx, "office")
    return Office(services, app, people, {each: each for each in people})


def filled(rows: Office) -> tuple[int, int]:
    """A quote whose cost is told by its rows, changed once; and the product that it is about."""
    product = rows.create("boss", "product", name="Machine").id
    items = [{"what": "a", "product": str(product), "quantity": 3}]
    saved = rows.create("boss", "quote", name="own", cost=SECRET, items=items)
    row = rows.truth("quote", saved.id)["items"][0]
    again = [{"id": str(row["id"]), "what": "a", "product": str(product), "quantity": 4}]
    rows.change("boss", "quote", saved.id, saved.version, items=again, name="other")
    return saved.id, product


def seen(rows: Office, who: str, id: int, **more: Any) -> dict[str, Any]:
    with rows.reading(who) as tx:
        return dict(record_json(rows.app, rows.app.form("quote"), reading.get(tx, rows.app, "quote", id, **more)))


def names(found: Mapping[str, Any]) -> set[str]:
    return set(found["values"]["items"][0]) - {"id", "labels"}


def test_a_row_shows_no_formula_of_what_its_record_hides(rows: Office) -> None:
    id, _ = filled(rows)

    assert names(seen(rows, "boss", id)) >= HIDDEN
    assert names(seen(rows, "clerk", id)) == {"what", "product", "quantity", "plain", "told", "today_too"}
    assert seen(rows, "clerk", id)["values"]["items"][0]["today_too"] is None
    assert str(SECRET * 4) not in str(seen(rows, "clerk", id, expand=["items.product"]))


def test_who_may_read_a_source_in_some_records_only_is_shown_no_formula_of_it_in_rows(rows: Office) -> None:
    id, _ = filled(rows)

    assert not names(seen(rows, "mixed", id)) & HIDDEN


def test_a_formula_over_such_rows_is_hidden_too(rows: Office) -> None:
    id, _ = filled(rows)

    assert set(seen(rows, "boss", id)["values"]) >= {"summed", "chosen", "open"}
    assert set(seen(rows, "clerk", id)["values"]) == {
        *("name", "items", "open", "owner", "department", "created_at", "created_by", "updated_at", "updated_by")
    } & set(seen(rows, "clerk", id)["values"]) | {"name", "items", "open"}


def test_a_total_over_such_rows_is_hidden_too(rows: Office) -> None:
    _, product = filled(rows)

    assert {"spent", "asked"} <= rows.get("boss", "product", product).keys()
    assert "spent" not in rows.get("clerk", "product", product)
    assert rows.get("clerk", "product", product)["name"] == "Machine"


def test_no_list_is_filtered_by_it(rows: Office) -> None:
    filled(rows)

    for name in ("leak", "again"):
        with pytest.raises(Invalid) as told:
            rows.list("clerk", "quote", filter=f"any(i.{name} > 3 for i in items)")
        assert told.value.problems[0].code == "unknown_field"
    assert rows.list("clerk", "quote", filter="any(i.today_too > 3 for i in items)").total == 0
    assert rows.list("boss", "quote", filter="any(i.today_too > 3 for i in items)").total == 1


def test_the_names_of_hidden_row_fields_do_not_exist(rows: Office) -> None:
    with rows.reading("clerk") as tx:
        known = readable_names(rows.app, tx.actor).fields(rows.app.form("quote").subforms[0].id)
    assert not known.keys() & HIDDEN
    assert {"what", "plain", "told"} <= known.keys()


def test_the_past_of_rows_hides_it_too(rows: Office) -> None:
    id, _ = filled(rows)
    form = rows.app.form("quote")

    for who, shows in (("boss", True), ("clerk", False)):
        with rows.reading(who) as tx:
            told = records.history_of(tx, rows.app, "quote", id)
            text = str([entry_json(rows.app, form, each, tx.organisation.people) for each in told])
        assert ("leak" in text) is shows
        assert (str(SECRET * 4) in text) is shows
        then = seen(rows, who, id, as_of=rows.services.clock())
        assert bool(names(then) & HIDDEN) is shows


def test_a_report_over_rows_counts_nothing_that_is_hidden(rows: Office) -> None:
    filled(rows)

    def summed(who: str, name: str) -> str:
        with rows.reading(who) as tx:
            return str(reports.run(tx, rows.app, name, {}).result)

    assert str(SECRET * 4) in summed("boss", "leaks")
    assert str(SECRET * 4) not in summed("clerk", "leaks")
    assert "Decimal('8')" in summed("clerk", "sums")
