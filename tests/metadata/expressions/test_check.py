"""What the checker says: the place, a plain sentence in two languages, and the way out."""

import csv
from pathlib import Path

import pytest

from metadata.expressions import ExpressionError, Names, Scope, check, check_template, rename, rename_template
from metadata.value_types import DATE, TEXT, YES_NO, number, rows
from tests.engines.expressions.orders import FUNCTIONS, ITEM, LINE, NAMES, OLD_SCOPE, ORDER, ROW_SCOPE, SCOPE, link

MISTAKES = list(csv.DictReader(Path(__file__).with_name("mistakes.csv").read_text("utf-8").splitlines()))


def refusal(text: str, scope: Scope = SCOPE) -> ExpressionError:
    with pytest.raises(ExpressionError) as refused:
        check(text, scope, FUNCTIONS)
    return refused.value


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["expression"])
def test_a_mistake_is_explained(mistake: dict[str, str]) -> None:
    error = refusal(mistake["expression"])

    said = error.problem.as_json("en")
    assert {"expression": mistake["expression"], "hint": "", **said, "column": str(error.column)} == {
        "path": "",
        **mistake,
    }
    assert error.problem.as_json("zh")["message"] != mistake["message"]


@pytest.mark.parametrize(
    ("text", "type", "decimals"),
    [
        ("n1", "number", 2),
        ("n1 + n2", "number", 4),
        ("n1 * n2", "number", 6),
        ("n1 / 3", "number", 10),
        ("ROUND(n2, 1)", "number", 1),
        ("COUNT(items)", "number", 0),
        ("t1 & t2", "text", None),
        ("d1 + 1", "date", None),
        ("ts", "datetime", None),
        ("owner", "member", None),
        ("customer", "link", None),
        ("IF(b1, n1, n2)", "number", 4),
        ("n1 > 1", "yes_no", None),
        ("tags", "list", None),
    ],
)
def test_the_type_of_the_result_is_known(text: str, type: str, decimals: int | None) -> None:
    expression = check(text, SCOPE, FUNCTIONS)

    assert (expression.type.name, expression.type.decimals) == (type, decimals)


def test_the_clock_makes_an_expression_volatile() -> None:
    assert check("days_since(d1) > 3", SCOPE, FUNCTIONS).type.volatile
    assert check("IF(b1, now, ts)", SCOPE, FUNCTIONS).type.volatile
    assert not check("d1 - d2", SCOPE, FUNCTIONS).type.volatile


def test_what_an_expression_reads_is_known_by_id() -> None:
    text = "n1 + customer.parent.level + SUM(r.amt for r in items if r.product.level > 1) + COUNT(user.departments)"

    assert check(text, SCOPE, FUNCTIONS).reads == {
        ("record", "f_n1"),
        ("record", "f_customer", "f_parent", "f_level"),
        ("record", "f_items"),
        ("record", "f_items", "f_amt"),
        ("record", "f_items", "f_product", "f_level"),
        ("user", "departments"),
    }
    assert check("CHANGED(n1) and ISNEW()", OLD_SCOPE, FUNCTIONS).reads == {
        ("record", "f_n1"),
        ("old", "f_n1"),
        ("old", "id"),
    }


@pytest.mark.parametrize(
    ("text", "want"), [("n1", number(2)), ("t1", TEXT), ("ts", DATE), ("null", TEXT), ("b1", YES_NO)]
)
def test_a_wanted_type_is_met(text: str, want: object) -> None:
    check(text, SCOPE, FUNCTIONS, want)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "want"), [("n1", TEXT), ("t1", number(2)), ("t1", YES_NO), ("items", TEXT), ("'x'", DATE)]
)
def test_a_wrong_type_is_refused(text: str, want: object) -> None:
    with pytest.raises(ExpressionError):
        check(text, SCOPE, FUNCTIONS, want)  # type: ignore[arg-type]


def test_further_names_have_the_types_that_the_place_gives_them() -> None:
    scope = Scope(NAMES, "t_order", extras={"limit": number(2), "made": link("t_customer")})

    assert check("n1 > limit and made.name == 't'", scope, FUNCTIONS).reads == {
        ("record", "f_n1"),
        ("limit",),
        ("made", "f_name"),
    }


def test_in_a_row_the_record_is_the_one_that_holds_it() -> None:
    assert check("amt * record.n1", ROW_SCOPE, FUNCTIONS).reads == {("row", "f_amt"), ("record", "f_n1")}
    assert refusal("n1", ROW_SCOPE).problem.message == {
        "en": "There is no field “n1” in Items",
        "zh": "Items中没有字段“n1”",
    }


RENAMED = Names(
    {
        **NAMES.forms,
        "t_order": {
            **{name: field for name, field in ORDER.items() if name not in ("n1", "items")},
            "betrag": ORDER["n1"],
            "posten": ORDER["items"],
        },
        "f_items": {**{name: field for name, field in ITEM.items() if name != "amt"}, "preis": ITEM["amt"]},
        "f_lines": LINE,
    }
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("n1", "betrag"),
        ("  n1+record.n1  # n1".replace("  # n1", ""), "  betrag+record.betrag"),
        ("'n1' & t1 == \"n1\"", "'n1' & t1 == \"n1\""),
        ("'制造' == t1 and n1>1", "'制造' == t1 and betrag>1"),
        ("SUM( items . amt )", "SUM( posten . preis )"),
        ("any(amt.amt>n1 for amt in items)", "any(amt.preis>betrag for amt in posten)"),
        ("n1 + unknown_function(n1)", "betrag + unknown_function(betrag)"),
        ("IF(n1,\n   n1,\n   n2)", "IF(betrag,\n   betrag,\n   n2)"),
        ("CHANGED(n1)", "CHANGED(betrag)"),
    ],
)
def test_a_rename_changes_the_name_and_nothing_else(before: str, after: str) -> None:
    assert rename(before, SCOPE, RENAMED) == after


def test_a_rename_reaches_into_templates() -> None:
    before = "n1 {{ n1 }} {% for r in items %}{{ r.amt }}{% if r.amt > n1 %}!{% endif %}{% endfor %}"
    after = "n1 {{ betrag }} {% for r in posten %}{{ r.preis }}{% if r.preis > betrag %}!{% endif %}{% endfor %}"

    assert rename_template(before, SCOPE, RENAMED) == after
    check_template(after, Scope(RENAMED, "t_order"), FUNCTIONS)


def test_the_subform_of_another_form_is_reached_through_a_link() -> None:
    assert check("SUM(customer.lines.size)", SCOPE, FUNCTIONS).reads == {("record", "f_customer", "f_lines", "f_size")}
    assert rows("f_lines").name == "rows"


@pytest.mark.parametrize(
    "text", ['owner == "7"', 'owner in ["7", "8"]', 'HASANY(watchers, "7")', 'customer == "21"', '"1" != department']
)
def test_who_asks_may_name_people_and_records_by_their_ids(text: str) -> None:
    asked = check(text, SCOPE.with_ids(), FUNCTIONS)

    named = [node for node in asked.root.walk() if node.is_constant and node.type.is_reference]
    assert named
    assert {type(node.value) for node in named} == {int}


@pytest.mark.parametrize("id", ["", "Ann", "0", "-7", "7.0", " 7", "７", "1e3", "9223372036854775808", "9" * 400])
def test_what_is_no_id_is_refused_wherever_it_stands(id: str) -> None:
    for text in (f'owner == "{id}"', f'"{id}" != owner', f'customer in ["21", "{id}"]', f'HASALL(watchers, "{id}")'):
        assert refusal(text, SCOPE.with_ids()).problem.code == "id_format", text


def test_a_rename_leaves_ids_alone() -> None:
    names = Names({**NAMES.forms, "t_order": {("kunde" if n == "customer" else n): f for n, f in ORDER.items()}})

    assert rename('customer == "21"', SCOPE.with_ids(), names) == 'kunde == "21"'
