"""Forms compile to tables, names and an order of formulas; what cannot work is refused with the way there."""

from typing import Any

import pytest

from engines import CompiledApp
from metadata.problems import InvalidDefinition
from tests.engines.forms.play import app_of, field, form, problems_of

ITEMS = field(
    "items",
    "subform",
    fields=[
        field("quantity", "number"),
        field("price", "money"),
        field("line", "formula", formula="quantity * price", decimals=2),
    ],
)
CUSTOMER = form(
    "customer", field("name"), field("level", "select", options=["a", "b"]), field("credit", "money", default=100)
)
ORDER = form(
    "order",
    field("customer", "link", form="customer", back_title={"en": "Orders", "zh": "订单"}),
    ITEMS,
    field("total", "formula", formula="sum(items.line) - discount", decimals=2),
    field("discount", "money"),
    field("level", "lookup", link="customer", field="level"),
    field("age", "formula", formula="days_since(signed)"),
    field("signed", "date"),
    field("tags", "tags"),
)


def storages(app: CompiledApp, name: str) -> dict[str, str]:
    return {each.name: each.storage for each in app.form(name).fields.values()}


def test_a_form_becomes_a_table_named_from_ids_alone() -> None:
    app = app_of(CUSTOMER, ORDER)

    table = app.form("order").table
    assert table.name == "a1_t_order"
    assert {"f_customer", "f_total", "f_discount", "f_signed"} < set(table.c.keys())
    assert not {"f_items", "f_level", "f_age", "f_tags"} & set(table.c.keys())
    assert set(app.metadata.tables) == {"a1_t_customer", "a1_t_order", "a1_f_items", "a1_f_tags"}


def test_formulas_are_stored_over_own_values_and_computed_over_links_or_with_the_clock() -> None:
    app = app_of(CUSTOMER, ORDER)

    assert storages(app, "order") == {
        "customer": "stored",
        "items": "rows",
        "total": "stored",
        "discount": "stored",
        "level": "computed",
        "age": "computed",
        "signed": "stored",
        "tags": "list",
    }


def test_a_formula_comes_after_those_it_reads_wherever_it_stands() -> None:
    app = app_of(CUSTOMER, ORDER)

    assert app.form("order").formula_order == (("f_items", "f_line"), ("t_order", "f_total"))
    assert app.form("order").computed_order == (("t_order", "f_order_level"), ("t_order", "f_age"))


def test_a_formula_that_reads_a_computed_one_is_computed_too() -> None:
    app = app_of(form("thing", field("on", "date"), field("age", "formula", formula="days_since(on)"),
                      field("ripe", "formula", formula="age > 30")))  # fmt: skip

    assert storages(app, "thing")["ripe"] == "computed"


def test_both_sides_of_a_link_know_it() -> None:
    app = app_of(CUSTOMER, ORDER)

    assert app.form("order").fields["f_customer"].target == "t_customer"
    assert app.form("customer").back_references == (("t_order", "f_customer"),)


def test_roll_ups_know_their_level_and_what_they_rest_on() -> None:
    app = app_of(
        form("group", field("name"), field("spent", "rollup", form="customer", link="group", sum="spent")),
        form("customer", field("group", "link", form="group"),
             field("spent", "rollup", form="order", link="customer", sum="total", where="state == 'paid'")),
        form("order", field("customer", "link", form="customer"), field("state", "select", options=["open", "paid"]),
             field("price", "money"), field("total", "formula", formula="price * 2", decimals=2)),
    )  # fmt: skip

    below, above = app.rollups
    assert (below.form, below.level, below.reads) == ("t_customer", 1, {"f_total", "f_state", "f_customer"})
    assert (above.form, above.level) == ("t_group", 2)
    assert app.form("order").rollups_from == (below,)
    assert [id for _, id in app.derived_order] == ["f_total", "f_customer_spent", "f_spent"]


def test_names_are_plain_and_typed_for_the_other_engines() -> None:
    app = app_of(CUSTOMER, ORDER)

    names = app.names.forms["t_order"]
    assert names["total"].type.name == "number"
    assert names["owner"].type.name == "member"
    assert names["id"].type.form == "t_order"
    assert set(app.names.forms["f_items"]) == {"quantity", "price", "line", "id"}


def test_a_retyped_field_gets_a_column_of_the_next_generation() -> None:
    first = app_of(form("thing", field("size")))
    second = app_of(form("thing", field("size", "number")), before=first)
    third = app_of(form("thing", field("size", "money")), before=second)
    again = app_of(form("thing", field("size", "money", title="How big")), before=third)

    columns = [each.form("thing").fields["f_size"].column for each in (first, second, third, again)]
    assert columns == ["f_size", "f_size_2", "f_size_3", "f_size_3"]


def test_a_field_that_comes_back_finds_its_column() -> None:
    first = app_of(form("thing", field("name"), field("size", "number")))
    without = app_of(form("thing", field("name")), before=first)
    back = app_of(form("thing", field("name"), field("size", "number")), before=without)

    assert back.form("thing").fields["f_size"].column == "f_size"


CYCLES: list[tuple[str, list[dict[str, Any]], str]] = [
    (
        "a field that reads itself",
        [form("thing", field("a", "formula", formula="a + 1"))],
        "thing.a → thing.a",
    ),
    (
        "two formulas",
        [form("thing", field("a", "formula", formula="b + 1"), field("b", "formula", formula="a + 1"))],
        "thing.a → thing.b → thing.a",
    ),
    (
        "a row and its record",
        [
            form(
                "thing",
                field("rows", "subform", fields=[field("part", "formula", formula="record.total / 2")]),
                field("total", "formula", formula="sum(rows.part)"),
            )
        ],
        "thing.total → rows.part → thing.total",
    ),
    (
        "a roll-up through a formula of the other form",
        [
            form("parent", field("total", "rollup", form="child", link="parent", sum="share")),
            form(
                "child",
                field("parent", "link", form="parent"),
                field("share", "formula", formula="parent.total / 2"),
            ),
        ],
        "parent.total → child.share → parent.total",
    ),
]


@pytest.mark.parametrize(("what", "forms", "way"), CYCLES, ids=[each[0] for each in CYCLES])
def test_a_circle_is_refused_with_the_way_round(what: str, forms: list[dict[str, Any]], way: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        app_of(*forms)

    (problem,) = refused.value.problems
    assert problem.code == "formula_cycle"
    assert way in problem.as_json()["message"]


PARENT = form("parent", field("name"))
WRONG_ROLLUPS: list[tuple[dict[str, Any], str]] = [
    ({"sum": "amount", "count": True}, ""),
    ({}, ""),
    ({"sum": "name"}, "/sum"),
    ({"sum": "level"}, "/sum"),
    ({"count": True, "where": "due < today"}, "/where"),
    ({"count": True, "where": "parent.name == 'x'"}, "/where"),
    ({"count": True, "where": "owner == user"}, "/where"),
    ({"count": True, "link": "name"}, "/link"),
    ({"count": True, "where": "REPLACE(name, 'a', name) == 'b'"}, ""),
]


@pytest.mark.parametrize(("options", "place"), WRONG_ROLLUPS)
def test_a_roll_up_over_what_is_not_stored_is_refused(options: dict[str, Any], place: str) -> None:
    child = form("child", field("parent", "link", form="parent"), field("name"), field("amount", "money"),
                 field("due", "date"), field("level", "lookup", link="parent", field="score"))  # fmt: skip
    total = field("total", "rollup", **{"form": "child", "link": "parent", **options})

    found = problems_of(form("parent", field("name"), field("score", "number"), total), child)

    assert [path for path, _ in found] == [f"/forms/0/fields/2{place}"]


def test_all_problems_come_at_once_and_a_broken_field_is_reported_once() -> None:
    found = problems_of(
        form(
            "thing",
            field("size", "number"),
            field("double", "formula", formula="size + 'x'"),
            field("triple", "formula", formula="double + size"),
            field("kind", "select", options=["a", "a"]),
            field("name", required_if="size"),
            validations=[{"valid_if": "size + 1", "message": "no"}],
        )
    )

    assert {path for path, _ in found} == {
        "/forms/0/fields/1/formula",
        "/forms/0/fields/3/options",
        "/forms/0/fields/4/required_if",
        "/forms/0/validations/0/valid_if",
    }


def test_problems_of_access_are_found_beside_those_of_the_forms() -> None:
    found = problems_of(
        form("thing", field("size", "number"), field("double", "formula", formula="size + 'x'")),
        roles=["seller"],
        access=[{"role": "seller", "form": "thing", "may": ["read"], "where": "size"}],
    )

    assert {path for path, _ in found} == {"/forms/0/fields/1/formula", "/access/0/where"}


def test_only_what_somebody_reads_is_computed_in_a_save() -> None:
    fields = (
        field("customer", "link", form="customer"),
        field("level", "lookup", link="customer", field="level"),
        field("credit", "lookup", link="customer", field="credit"),
        field("high", "formula", formula="level == 'a'"),
    )
    app = app_of(CUSTOMER, form("order", *fields, validations=[{"valid_if": "high", "message": "Too low"}]))

    assert app.computed_needed == {"f_high", "f_order_level"}


def test_a_computed_field_that_no_database_can_compute_is_refused() -> None:
    found = problems_of(
        form(
            "thing",
            field("up", "link", form="thing"),
            field("boss", "formula", formula="manager_of(owner)"),
            field(
                "rows", "subform", fields=[field("who", "member"), field("head", "formula", formula="manager_of(who)")]
            ),
        )
    )

    assert found == [
        ("/forms/0/fields/1", "not_pushable"),
        ("/forms/0/fields/2/fields/1", "not_pushable"),
    ]


def test_the_manager_of_the_owner_can_be_followed_as_a_field() -> None:
    app = app_of(form("thing", field("boss", "formula", formula="owner.manager")))

    assert storages(app, "thing") == {"boss": "computed"}


# --- roll-ups over rows, over several links, and of several levels ---

PAIR = (
    form("product", field("sold", "rollup", form="contract", rows="items", link="product", sum="quantity",
                          where="record.state == 'signed'")),
    form("contract", field("state", "select", options=["open", "signed"]),
         field("items", "subform", fields=[{"id": "f_iproduct", "name": "product", "type": "link", "form": "product"},
                                           field("quantity", "number")])),
)  # fmt: skip


def test_a_roll_up_over_rows_reads_the_rows_and_the_record_that_holds_them() -> None:
    (rollup,) = app_of(*PAIR).rollups

    assert (rollup.source, rollup.rows, rollup.link, rollup.level) == ("t_contract", "f_items", "f_iproduct", 1)
    assert rollup.reads == {"f_iproduct", "f_quantity", "f_state"}


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"rows": "state"}, "/rows"),
        ({"rows": "nothing"}, "/rows"),
        ({"link": "quantity"}, "/link"),
        ({"sum": "state"}, "/sum"),
        ({"where": "state == 'open'"}, "/where"),
        ({"sum": None, "distinct": "labels"}, "/distinct"),
    ],
)
def test_a_wrong_roll_up_over_rows_is_told_where(options: dict[str, Any], place: str) -> None:
    product, contract = PAIR
    total = {key: each for key, each in (product["fields"][0] | options).items() if each is not None}
    rows = {**contract["fields"][1], "fields": [*contract["fields"][1]["fields"], field("labels", "tags")]}

    found = problems_of({**product, "fields": [total]}, {**contract, "fields": [contract["fields"][0], rows]})

    assert [path for path, _ in found] == [f"/forms/0/fields/0{place}"]


def levels(count: int) -> list[dict[str, Any]]:
    """Forms above one another, each totalling the one below."""
    lowest = form("level0", field("up", "link", form="level1"), field("total", "money"))
    above = [
        form(f"level{each}", {"id": f"f_up{each}", "name": "up", "type": "link", "form": f"level{each + 1}"},
             {"id": f"f_total{each}", "name": "total", "type": "rollup", "form": f"level{each - 1}", "link": "up",
              "sum": "total"})
        for each in range(1, count + 1)
    ]  # fmt: skip
    return [lowest, *above, form(f"level{count + 1}", field("name"))]


def test_the_third_total_above_another_one_follows_later() -> None:
    app = app_of(*levels(4))

    assert [(each.level, each.eventual) for each in app.rollups] == [(1, False), (2, False), (3, True), (4, True)]


def test_a_circle_of_three_forms_is_refused_with_the_way_round() -> None:
    one, two, three = (
        form(name, {"id": f"f_l{name}", "name": "up", "type": "link", "form": above},
             {"id": f"f_t{name}", "name": "total", "type": "rollup", "form": below, "link": "up", "sum": value},
             {"id": f"f_x{name}", "name": "twice", "type": "formula", "formula": "total * 2", "decimals": 2})
        for name, above, below, value in (("one", "two", "three", "total"), ("two", "three", "one", "twice"),
                                          ("three", "one", "two", "twice"))
    )  # fmt: skip

    found = problems_of(one, two, three)

    assert [code for _, code in found] == ["formula_cycle"]
    with pytest.raises(InvalidDefinition) as refused:
        app_of(one, two, three)
    assert "one.total → three.total → two.twice → two.total → one.twice → one.total" in str(
        refused.value.problems[0].as_json()["message"]
    )


def test_a_row_cannot_rest_on_a_total_of_its_record() -> None:
    shares = field("shares", "subform", fields=[field("part", "number"),
                   field("money", "formula", formula="part * record.budget", decimals=2)])  # fmt: skip
    found = problems_of(
        form("account", field("budget", "rollup", form="payment", link="account", sum="amount"), shares),
        form("payment", field("account", "link", form="account"), field("amount", "money")),
    )

    assert found == [("/forms/0/fields/1/fields/1", "row_rests_on_record")]


@pytest.mark.parametrize("formula", ["today - record.due", "record.up.name", "record.age + 1"])
def test_a_row_that_is_computed_at_reading_rests_on_nothing_of_its_record(formula: str) -> None:
    found = problems_of(
        form(
            "thing",
            field("name"),
            field("due", "date"),
            field("up", "link", form="thing"),
            field("age", "formula", formula="today - due"),
            field("rows", "subform", fields=[field("late", "formula", formula=formula)]),
        )
    )

    assert found == [("/forms/0/fields/4/fields/0", "row_rests_on_record")]


def test_a_form_computes_no_more_than_fifty_formulas() -> None:
    formulas = [field(f"f{each}", "formula", formula="size * 2") for each in range(51)]

    assert problems_of(form("thing", field("size", "number"), *formulas[:50])) == []
    assert problems_of(form("thing", field("size", "number"), *formulas)) == [("/forms/0", "limit_exceeded")]


def test_formulas_do_not_rest_on_more_than_ten_others() -> None:
    chain = [field(f"f{each}", "formula", formula=f"f{each - 1} + 1" if each else "size + 1") for each in range(12)]

    assert problems_of(form("thing", field("size", "number"), *chain[:10])) == []
    found = problems_of(form("thing", field("size", "number"), *chain))
    assert found == [("/forms/0/fields/11/formula", "limit_exceeded")]
