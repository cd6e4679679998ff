"""What a save makes of a record: permission, values, defaults, formulas, checks, numbers, in this order."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engines import CompiledApp
from engines.compiled import EarlyAnswer
from engines.effects import Refuse, SetFields
from engines.events import RecordChanged
from engines.facts import Facts, Needs
from engines.memory import Memory
from metadata.problems import Invalid, Refused
from metadata.text import say
from tests.engines.forms.play import ANN, BO, GONE, SALES, Desk, app_of, field, form, named

D = Decimal

CUSTOMER = form("customer", field("name", required=True), field("level", "select", options=["a", "b"]))
STAGES = [
    {"value": "new", "sets": {"rate": 0.1}},
    {"value": "won", "sets": {"rate": 1}, "requires": ["signed"], "title": {"en": "Won", "zh": "赢单"}},
    {"value": "lost", "sets": {"rate": 0}},
]
ORDER = form(
    "order",
    field("number", "auto_number", pattern="HT{YYYY}{MM}{DD}-{000}"),
    field("title", required=True, unique=True),
    field("customer", "link", form="customer"),
    field("stage", "select", stage=True, default="new", options=STAGES),
    field("rate", "percent"),
    field("signed", "date"),
    field("reason", "text", visible_if="stage == 'lost'", required_if="stage == 'lost'"),
    field("note", "text", required=True, visible_if="stage == 'lost'"),
    field("items", "subform", fields=[
        field("product", "text", required=True, unique=True),
        field("quantity", "number", default=1),
        field("price", "money"),
        field("line", "formula", formula="quantity * price", decimals=2),
    ]),
    field("total", "formula", formula="sum(items.line)", decimals=2),
    field("level", "lookup", link="customer", field="level"),
    field("seller", "member", default="=user"),
    field("state", "text", read_only=True, default="draft"),
    validations=[
        {"valid_if": "total <= 1000 or level == 'a'", "field": "items",
         "message": {"en": "Only level A may order that much", "zh": "仅A级客户可下此金额"}},
        {"valid_if": "old.signed == null or signed == old.signed", "field": "signed", "message": "Signed is signed"},
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def app() -> CompiledApp:
    return app_of(CUSTOMER, ORDER)


@pytest.fixture
def desk(app: CompiledApp) -> Desk:
    desk = Desk(app)
    desk.put("customer", 1, name="ACME", level="a")
    desk.put("customer", 2, name="Small", level="b")
    return desk


def items(*rows: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [{"product": product, "quantity": quantity, "price": price} for product, quantity, price in rows]


# --- creating ---


def test_a_new_record_is_complete(desk: Desk) -> None:
    decision = desk.save("order", {"title": "First", "items": items(("bolt", 2, 9.99), ("nut", 3, 1))})

    got = named(desk.app, "order", decision.after, ["number", "stage", "rate", "total", "seller", "state", "owner"])
    assert got == {
        "number": "HT20260303-001",  # the day of the app's zone, not of UTC
        "stage": "new",
        "rate": D("0.1"),
        "total": D("22.98"),
        "seller": ANN,
        "state": "draft",
        "owner": ANN,
    }
    assert decision.after["department"] == SALES
    assert decision.after["version"] == 1


def test_a_formula_takes_blanks_for_zero_where_its_author_says_so() -> None:
    desk = Desk(app_of(form("bill", field("net", "money"), field("tax", "money"),
        field("strict", "formula", formula="net + tax"),
        field("gross", "formula", formula="net + tax", blanks="zero"))))  # fmt: skip

    decision = desk.save("bill", {"net": 100})

    got = named(desk.app, "bill", decision.after, ["strict", "gross"])
    assert got == {"strict": None, "gross": D(100)}


def test_a_key_with_null_stays_blank_though_there_is_a_default(desk: Desk) -> None:
    decision = desk.save("order", {"title": "x", "seller": None, "stage": None})

    assert named(desk.app, "order", decision.after, ["seller", "stage"]) == {"seller": None, "stage": None}


def test_numbers_are_asked_for_last_and_only_by_a_save_that_stands(desk: Desk) -> None:
    desk.save("order", {"title": "x", "customer": "1"})
    assert [bool(wanted.numbers) for wanted in desk.rounds] == [False, True]

    assert desk.refusals("order", {"title": "", "customer": "1"}) == {"/title": "required"}
    assert not any(wanted.numbers for wanted in desk.rounds)


def test_what_can_be_foreseen_is_fetched_in_one_round(desk: Desk) -> None:
    desk.save("order", {"title": "x", "customer": "1"})

    first = desk.rounds[0]
    assert first.readable == {("t_customer", 1)}
    assert first.records == {("t_customer", 1)}
    assert first.taken == {("t_order", "f_title", "x")}


# --- who may write what ---


def test_unknown_hidden_and_computed_keys_are_refused(desk: Desk) -> None:
    readable = frozenset({"f_title", "f_total", "f_state"})

    found = desk.refusals(
        "order",
        {"title": "x", "titel": 1, "seller": "7", "total": 5, "state": "done", "owner": "8", "id": "1"},
        readable=readable,
    )

    assert found == {
        "/titel": "unknown_field",
        "/seller": "unknown_field",
        "/total": "read_only",
        "/state": "read_only",
        "/owner": "read_only",
        "/id": "read_only",
    }


def test_a_hint_never_names_a_hidden_field(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.save("order", {"title": "x", "selle": 1}, readable=frozenset({"f_title"}))

    assert refused.value.problems[0].hint == ""


def test_a_readable_field_that_may_not_be_written_is_forbidden(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        desk.save("order", {"title": "x", "rate": 1}, editable=frozenset({"f_title"}))

    assert [(str(p.path), p.code) for p in refused.value.problems] == [("/values/rate", "field_forbidden")]


def test_a_task_may_unlock_a_read_only_field(desk: Desk) -> None:
    decision = desk.save("order", {"title": "x", "state": "checked"}, unlocked=frozenset({"f_state"}))

    assert decision.after["f_state"] == "checked"


def test_the_platform_sets_fields_by_id_read_only_ones_too(desk: Desk) -> None:
    id = desk.save("order", {"title": "x"}).after["id"]

    decision = desk.save("order", {}, id, typed={"f_state": "approved", "owner": BO}, system=True)

    assert decision.changed == {"f_state", "owner"}
    assert decision.after["department"] == SALES


# --- values ---


def test_all_wrong_values_are_named_at_once_in_the_order_of_the_fields(desk: Desk) -> None:
    found = desk.refusals(
        "order",
        {"seller": "x", "signed": "soon", "rate": "much", "items": [{"product": 5, "prize": 1}, 7], "stage": "gone"},
    )

    assert list(found.items()) == [
        ("/title", "required"),
        ("/stage", "not_an_option"),
        ("/rate", "wrong_type"),
        ("/signed", "bad_date"),
        ("/items/0/product", "wrong_type"),
        ("/items/0/prize", "unknown_field"),
        ("/items/1", "wrong_type"),
        ("/seller", "bad_id"),
    ]


def test_at_most_fifty_problems_are_named(desk: Desk) -> None:
    rows = [{"product": None} for _ in range(80)]

    assert len(desk.refusals("order", {"title": "x", "items": rows})) == 50


def test_links_lead_to_records_the_actor_may_see(desk: Desk) -> None:
    desk.unreadable.add(("t_customer", 2))

    assert desk.refusals("order", {"title": "x", "customer": "2"}) == {"/customer": "unknown_record"}
    assert desk.refusals("order", {"title": "x", "customer": "99"}) == {"/customer": "unknown_record"}


def test_a_link_that_stays_is_not_looked_at_again(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "customer": "1"}).after["id"]
    desk.unreadable.add(("t_customer", 1))

    desk.save("order", {"title": "y"}, id)

    assert not any(wanted.readable for wanted in desk.rounds)


@pytest.mark.parametrize(("member", "refused"), [(BO, {}), (GONE, {"/seller": "unknown_member"}),
                                                 (123, {"/seller": "unknown_member"})])  # fmt: skip
def test_members_are_active_people(desk: Desk, member: int, refused: dict[str, str]) -> None:
    assert desk.refusals("order", {"title": "x", "seller": str(member)}) == refused


def test_a_unique_value_is_taken_once(desk: Desk) -> None:
    id = desk.save("order", {"title": "x"}).after["id"]

    assert desk.refusals("order", {"title": "x"}) == {"/title": "not_unique"}
    assert desk.refusals("order", {"title": "x"}, id) == {}


# --- conditions ---


def test_what_is_required_may_depend_on_other_fields(desk: Desk) -> None:
    assert desk.refusals("order", {"title": "x", "stage": "lost", "note": "n"}) == {"/reason": "required"}


def test_what_is_not_visible_is_not_required_and_keeps_its_value(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "stage": "lost", "reason": "price", "note": "n"}).after["id"]

    decision = desk.save("order", {"stage": "new"}, id)

    assert decision.after["f_reason"] == "price"


def test_a_stage_demands_its_fields_and_says_for_what(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.save("order", {"title": "x", "stage": "won"})

    (problem,) = refused.value.problems
    assert (str(problem.path), problem.code) == ("/values/signed", "required")
    assert "赢单" in say(problem.hint, "zh")


def test_a_validation_reads_rows_and_links_and_speaks_the_authors_words(desk: Desk) -> None:
    big = items(("bolt", 1000, 2))

    assert desk.refusals("order", {"title": "x", "customer": "2", "items": big}) == {"/items": "validation"}
    assert desk.refusals("order", {"title": "x", "customer": "1", "items": big}) == {}


def test_a_validation_may_compare_with_what_was_before(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "signed": "2026-03-01"}).after["id"]

    assert desk.refusals("order", {"signed": "2026-03-02"}, id) == {"/signed": "validation"}
    assert desk.save("order", {"title": "y"}, id).after["f_signed"] == date(2026, 3, 1)


def test_a_validation_waits_until_its_fields_are_right(desk: Desk) -> None:
    found = desk.refusals("order", {"title": "x", "items": [{"product": "a", "price": "many", "quantity": 5000}]})

    assert found == {"/items/0/price": "wrong_type"}


# --- win rates: a choice sets other fields ---


def test_a_stage_sets_its_win_rate_unless_the_save_gives_one(desk: Desk) -> None:
    id = desk.save("order", {"title": "x"}).after["id"]

    assert desk.save("order", {"stage": "lost", "reason": "r", "note": "n"}, id).after["f_rate"] == 0
    assert desk.save("order", {"stage": "won", "signed": "2026-03-01", "rate": 0.9}, id).after["f_rate"] == D("0.9")
    assert desk.save("order", {"title": "y", "stage": "won"}, id).after["f_rate"] == D("0.9")


def test_a_form_that_sends_the_old_win_rate_along_does_not_override(desk: Desk) -> None:
    id = desk.save("order", {"title": "x"}).after["id"]

    decision = desk.save("order", {"stage": "won", "signed": "2026-03-01", "rate": 0.1}, id)

    assert decision.after["f_rate"] == 1


def test_a_choice_in_a_row_sets_other_fields_of_the_row() -> None:
    sizes = [{"value": "s", "sets": {"price": 1}}, {"value": "l", "sets": {"price": 2}}]
    desk = Desk(app_of(form("order", field("items", "subform", fields=[
        field("size", "select", options=sizes), field("price", "money")]))))  # fmt: skip
    id = desk.save("order", {"items": [{"size": "s"}, {"size": "l", "price": 9}]}).after["id"]
    rows = [{**row, "id": number} for number, row in enumerate(desk.records[("t_order", id)]["f_items"], 51)]
    desk.records[("t_order", id)]["f_items"] = rows

    after = desk.save("order", {"items": [{"id": "51", "size": "l"}, {"id": "52"}]}, id).after

    assert [row["f_price"] for row in rows] == [D(1), D(9)]
    assert [row["f_price"] for row in after["f_items"]] == [D(2), D(9)]


# --- rows ---


def test_rows_are_merged_by_their_ids(desk: Desk) -> None:
    created = desk.save("order", {"title": "x", "items": items(("bolt", 1, 1), ("nut", 2, 2), ("pin", 3, 3))})
    id = created.after["id"]
    assert [row["id"] for row in created.row_changes["f_items"].created] == [-1, -2, -3]
    rows = [{**row, "id": number} for number, row in enumerate(created.after["f_items"], 51)]
    desk.records[("t_order", id)]["f_items"] = rows

    decision = desk.save("order", {"items": [{"id": "53", "quantity": 4}, {"product": "cap"}, {"id": "51"}]}, id)

    changes = decision.row_changes["f_items"]
    assert [(row["id"], row["position"]) for row in changes.updated] == [(53, 0), (51, 2)]
    assert [(row["f_product"], row["f_quantity"]) for row in changes.created] == [("cap", D(1))]
    assert changes.deleted == (52,)
    assert decision.after["f_total"] == D("13.00")
    assert decision.changed == {"f_items", "f_total"}


def test_the_same_rows_again_change_nothing(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "items": items(("bolt", 1, 1))}).after["id"]
    desk.records[("t_order", id)]["f_items"] = [
        {**row, "id": 51, "position": 0} for row in desk.records[("t_order", id)]["f_items"]
    ]

    decision = desk.save("order", {"items": [{"id": "51", "product": "bolt", "quantity": 1, "price": 1.0}]}, id)

    assert decision.changed == frozenset()
    assert decision.row_changes == {}


def test_a_record_that_leaves_its_rows_out_keeps_them(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "items": items(("bolt", 1, 1))}).after["id"]

    assert desk.save("order", {"title": "y"}, id).after["f_total"] == D("1.00")


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([{"id": "999"}], {"/items/0/id": "unknown_row"}),
        ([{"product": ""}], {"/items/0/product": "required"}),
        (items(("a", 1, 1), ("a", 1, 1)), {"/items/1/product": "not_unique"}),
        ([{"product": "a", "line": 5}], {"/items/0/line": "read_only"}),
        ("rows", {"/items": "wrong_type"}),
        ([{}] * 1001, {"/items": "too_many_rows"}),
        (items(("a", 10**6, 10**8)), {"/items/0/line": "too_large"}),
    ],
)
def test_rows_are_checked_one_by_one(desk: Desk, rows: Any, refused: dict[str, str]) -> None:
    found = desk.refusals("order", {"title": "x", "items": rows})

    assert {place: code for place, code in found.items() if place in refused} == refused


def test_no_value_of_before_is_touched(desk: Desk) -> None:
    id = desk.save("order", {"title": "x", "items": items(("bolt", 1, 1))}).after["id"]
    before = desk.records[("t_order", id)]
    row = dict(before["f_items"][0])

    desk.save("order", {"items": [{"product": "nut", "price": 5}]}, id)

    assert before["f_title"] == "x"
    assert before["f_items"][0] == row


# --- early rules ---


class Rules:
    """Rules that set what they were told to, or refuse."""

    def __init__(self, *effects: SetFields | Refuse) -> None:
        self.effects = effects
        self.events: list[RecordChanged] = []

    def looks_early(self, form: str) -> bool:
        return True

    def early(self, event: RecordChanged, facts: Facts) -> EarlyAnswer | Needs:
        self.events.append(event)
        return EarlyAnswer(self.effects, ("looked",))


def test_validations_see_what_early_rules_set(app: CompiledApp) -> None:
    rules = Rules(SetFields("t_order", 0, {"f_stage": "won", "f_signed": None}))
    desk = Desk(replace(app, rules=rules, memory=Memory()))

    assert desk.refusals("order", {"title": "x"}) == {"/signed": "required"}
    assert rules.events[-1].after is not None and rules.events[-1].after["f_stage"] == "new"


def test_what_an_early_rule_sets_is_computed_further(app: CompiledApp) -> None:
    rules = Rules(SetFields("t_order", 0, {"f_stage": "lost", "f_reason": "late", "f_note": "n", "f_customer": 1}))
    desk = Desk(replace(app, rules=rules, memory=Memory()))
    desk.put("customer", 1, name="ACME", level="a")

    decision = desk.save("order", {"title": "x"})

    assert decision.after["f_rate"] == 0
    assert named(app, "order", decision.after, ["level"]) == {"level": "a"}
    assert decision.trace == ("looked",)


def test_an_early_rule_refuses_in_the_authors_words(app: CompiledApp) -> None:
    desk = Desk(replace(app, rules=Rules(Refuse({"en": "No", "zh": "不行"}, "f_title")), memory=Memory()))

    assert desk.refusals("order", {"title": "x"}) == {"/title": "refused_by_rule"}


# --- defaults ---


def test_a_price_is_copied_when_the_product_is_linked_and_stays(desk: Desk) -> None:
    app = app_of(
        form("product", field("name"), field("price", "money")),
        form("line", field("product", "link", form="product"), field("price", "money", default="=product.price"),
             field("note", "text", default="for {{product.name}}"),
             field("parts", "subform", fields=[field("share", "money", default="=record.product.price")])),
    )  # fmt: skip
    desk = Desk(app)
    desk.put("product", 5, name="Bolt", price=D("9.50"))

    made = desk.save("line", {"product": "5", "parts": [{}]}).after
    desk.put("product", 5, name="Bolt", price=D("12"))
    later = desk.save("line", {"note": "x"}, made["id"]).after

    assert (made["f_line_price"], later["f_line_price"]) == (D("9.50"), D("9.50"))
    assert made["f_note"] == "for Bolt"
    assert made["f_parts"][0]["f_share"] == D("9.50")


def test_one_default_may_lead_to_the_record_that_the_next_one_reads() -> None:
    app = app_of(
        form("product", field("name"), field("maker", "link", form="maker")),
        form("maker", field("city")),
        form(
            "line",
            field("product", "link", form="product"),
            field("maker", "link", form="maker", default="=product.maker"),
            field("city", "text", default="=maker.city"),
        ),
    )
    desk = Desk(app)
    desk.put("maker", 6, city="Ningbo")
    desk.put("product", 5, name="Bolt", maker=6)

    made = desk.save("line", {"product": "5"}).after

    assert named(app, "line", made, ["maker", "city"]) == {"maker": 6, "city": "Ningbo"}
