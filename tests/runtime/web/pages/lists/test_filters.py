"""The filter builder turns its rows into one expression that the language accepts, and finds them again in it."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from starlette.datastructures import QueryParams

from engines.expressions import standard_functions
from metadata.expressions import Expression, FieldReference, Names, Scope, check
from metadata.value_types import (
    DATE,
    DATETIME,
    DEPARTMENT,
    MEMBER,
    TEXT,
    YES_NO,
    ValueType,
    link,
    list_of,
    number,
)
from runtime.web.pages.lists.filter_text import Filter, read_filter
from runtime.web.pages.lists.filters import OPERATORS, WITHOUT_VALUE, Builder, Condition, sort_of


def _field(name: str, type: Any, kind: str = "", options: Any = ()) -> Any:
    kind = SimpleNamespace(name=kind, holds_files=kind == "attachment")
    return SimpleNamespace(id=f"f_{name}", name=name, type=type, kind=kind, options=SimpleNamespace(options=options))


FIELDS: dict[str, Any] = {
    "name": _field("name", TEXT, "text"),
    "stage": _field("stage", TEXT, "select", ("won",)),
    "tags": _field("tags", list_of(TEXT), "tags"),
    "sorts": _field("sorts", list_of(TEXT), "multi_select", ("a",)),
    "amount": _field("amount", number(2), "money"),
    "rate": _field("rate", number(4), "percent"),
    "due": _field("due", DATE, "date"),
    "sent": _field("sent", DATETIME, "datetime"),
    "owner": _field("owner", MEMBER, "member"),
    "team": _field("team", DEPARTMENT, "department"),
    "customer": _field("customer", link("t_customer"), "link"),
    "watchers": _field("watchers", list_of(MEMBER), "member"),
    "done": _field("done", YES_NO, "yes_no"),
}
TYPES: dict[str, ValueType] = {name: field.type for name, field in FIELDS.items()} | {"score": number(0)}
NAMES = Names(
    {
        "t_deal": {name: FieldReference(f"f_{name}", name, type) for name, type in TYPES.items()},
        "t_customer": {"name": FieldReference("f_called", "name", TEXT)},
    }
)
SCOPE, FUNCTIONS = Scope(NAMES, "t_deal").with_ids(), standard_functions()
BUILDER = Builder(FIELDS, lambda field: f"{field.name}.name", lambda field: field.kind.name == "percent")
VALUES = {
    "text": ("Acme",),
    "choice": ("won", "lost"),
    "choices": ("a", "b"),
    "words": ("hot",),
    "number": ("25",),
    "date": ("2026-11-20",),
    "person": ("7", "8"),
    "department": ("3",),
    "link": ("21", "22"),
    "several": ("7", "me"),
}


def _check(text: str) -> Expression:
    return check(text, SCOPE, FUNCTIONS, YES_NO)


def _read(query: str) -> Filter:
    return read_filter(QueryParams(parse_qsl(query)), BUILDER, _check)


def _said(query: str) -> str:
    return _read(query).expression(BUILDER)


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ('f.a.field=name&f.a.op=contains&f.a.value=Ac"me', r'CONTAINS(LOWER(name), LOWER("Ac\"me"))'),
        ("f.a.field=stage&f.a.op=any&f.a.value=won&f.a.value=lost", 'stage in ["won", "lost"]'),
        ("f.a.field=tags&f.a.op=has&f.a.value=hot", 'HASANY(tags, "hot")'),
        ("f.a.field=amount&f.a.op=at_least&f.a.value=200,000", "amount >= 200000"),
        ("f.a.field=amount&f.a.op=between&f.a.value=5&f.a.to=9", "(amount >= 5 and amount <= 9)"),
        ("f.a.field=amount&f.a.op=between&f.a.value=&f.a.to=9", "amount <= 9"),
        ("f.a.field=rate&f.a.op=at_most&f.a.value=50%25", "rate <= 0.5"),
        ("f.a.field=due&f.a.op=until&f.a.value=2026-11-20", 'due <= "2026-11-20"'),
        ("f.a.field=due&f.a.op=until&f.a.value=2026年3月1日", 'due <= "2026-03-01"'),
        ("f.a.field=due&f.a.op=past", "due < today"),
        ("f.a.field=due&f.a.op=last_7", "(due > today - 7 and due <= today)"),
        ("f.a.field=owner&f.a.op=me", "owner == user"),
        ("f.a.field=owner&f.a.op=any&f.a.value=me", "owner == user"),
        ("f.a.field=owner&f.a.op=none&f.a.value=me", "owner != user"),
        ("f.a.field=owner&f.a.op=is&f.a.value=7", 'owner in ["7"]'),
        ("f.a.field=owner&f.a.op=any&f.a.value=7&f.a.value=8", 'owner in ["7", "8"]'),
        ("f.a.field=owner&f.a.op=any&f.a.value=me&f.a.value=8", '(owner == user or owner in ["8"])'),
        ("f.a.field=owner&f.a.op=none&f.a.value=me&f.a.value=8", 'not (owner == user or owner in ["8"])'),
        ("f.a.field=team&f.a.op=mine", "team in user.departments"),
        ("f.a.field=team&f.a.op=none&f.a.value=3", 'team not in ["3"]'),
        ("f.a.field=customer&f.a.op=any&f.a.value=21", 'customer in ["21"]'),
        ("f.a.field=customer&f.a.op=contains&f.a.value=x", 'CONTAINS(LOWER(customer.name), LOWER("x"))'),
        ("f.a.field=watchers&f.a.op=has&f.a.value=7&f.a.value=me", 'HASANY(watchers, "7", user)'),
        ("f.a.field=done&f.a.op=no", "not done"),
        ("f.a.field=name&f.a.op=blank", "ISBLANK(name)"),
        ("filter=score > 3&f.a.field=done&f.a.op=yes", "(score > 3) and (done)"),
    ],
)
def test_a_row_says_what_it_means(query: str, expression: str) -> None:
    assert _said(query) == expression
    _check(expression)


def test_rows_are_joined_by_what_the_reader_chose() -> None:
    query = "f.a.field=done&f.a.op=yes&f.b.field=owner&f.b.op=me"

    assert _said(query) == "done and owner == user"
    assert _said(f"{query}&match=any") == "done or owner == user"


@pytest.mark.parametrize(
    "query",
    [
        "f.a.field=amount&f.a.op=at_least&f.a.value=",
        "f.a.field=amount&f.a.op=at_least&f.a.value=lots",
        "f.a.field=amount&f.a.op=between",
        "f.a.field=due&f.a.op=until&f.a.value=someday",
        "f.a.field=owner&f.a.op=any&f.a.value=Ann",
        "f.a.field=owner&f.a.op=any&f.a.value=9999999999999999999999",
        "f.a.field=nowhere&f.a.op=is&f.a.value=1",
        "f.a.op=is&f.a.value=1",
    ],
)
def test_an_unfinished_row_says_nothing(query: str) -> None:
    assert _said(query) == ""


@pytest.mark.parametrize(
    ("name", "operator"),
    [(name, operator) for name, field in FIELDS.items() for operator in OPERATORS[sort_of(field)]],
)
def test_every_row_is_found_again_in_its_expression(name: str, operator: str) -> None:
    values = () if operator in WITHOUT_VALUE else VALUES[sort_of(FIELDS[name])]
    row = Condition("r1", name, operator, values[:1] if operator == "between" else values)
    row = Condition(row.key, name, operator, row.values, "2026-12-01" if "date" in sort_of(FIELDS[name]) else "30")
    text = BUILDER.sentence(row)

    found = _read(f"filter={text}".replace("+", "%2B"))

    assert found.text == ""
    assert [(each.field, BUILDER.sentence(each)) for each in found.conditions] == [(name, text)]
    both = _read(f'filter=name == "x" and ({text})'.replace("+", "%2B"))
    assert [each.field for each in both.conditions] == ["name", name]


@pytest.mark.parametrize(
    ("text", "rows", "match", "rest"),
    [
        ("amount > 5", 0, "all", "amount > 5"),
        ("amount >= 5 and score > 3", 1, "all", "score > 3"),
        ("(score > 3 or done) and amount >= 5 and score < 9", 1, "all", "(score > 3 or done) and (score < 9)"),
        ('done or stage == "won"', 2, "any", ""),
        ('(done or stage == "won") and score > 3', 2, "any", "score > 3"),
        ("done or score > 3", 0, "all", "done or score > 3"),
        ("customer.name == 'x'", 0, "all", "customer.name == 'x'"),
        ("amount >= ", 0, "all", "amount >="),
        ("nowhere == 1", 0, "all", "nowhere == 1"),
        (") or (", 0, "all", ") or ("),
        ("amount == 5 and " + " and ".join(f"amount >= {each}" for each in range(30)), 0, "all", None),
    ],
)
def test_what_cannot_be_a_row_stays_text(text: str, rows: int, match: str, rest: str | None) -> None:
    found = read_filter(QueryParams({"filter": text}), BUILDER, _check)

    assert (len(found.conditions), found.match) == (rows, match)
    assert found.text == (text if rest is None else rest)
    if rows:
        _check(found.expression(BUILDER))
