"""The filter builder turns its rows into one expression that the language accepts."""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from metadata.value_types import DATE, DEPARTMENT, MEMBER, TEXT, YES_NO, link, list_of, number
from runtime.web.pages import filters
from runtime.web.pages.filters import People

PEOPLE = People({"7": "ann@example.com"}, {"3": "Sales"})


def _field(name: str, type: Any, kind: str = "", options: Any = ()) -> Any:
    return SimpleNamespace(
        name=name, type=type, kind=SimpleNamespace(name=kind), options=SimpleNamespace(options=options)
    )


FIELDS: dict[str, Any] = {
    "name": _field("name", TEXT, "text"),
    "stage": _field("stage", TEXT, "select", ("won",)),
    "tags": _field("tags", list_of(TEXT), "tags"),
    "amount": _field("amount", number(2), "money"),
    "rate": _field("rate", number(4), "percent"),
    "due": _field("due", DATE, "date"),
    "owner": _field("owner", MEMBER, "member"),
    "team": _field("team", DEPARTMENT, "department"),
    "customer": _field("customer", link("t_customer"), "link"),
    "done": _field("done", YES_NO, "yes_no"),
}


def _said(query: str, match: str = "all") -> str:
    conditions = filters.read_conditions(QueryParams(query))
    return filters.expression(conditions, match, FIELDS, lambda field: f"{field.name}.name", PEOPLE)


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ('f.a.field=name&f.a.op=contains&f.a.value=Ac"me', r'CONTAINS(LOWER(name), LOWER("Ac\"me"))'),
        ("f.a.field=stage&f.a.op=any&f.a.value=won&f.a.value=lost", 'stage in ["won", "lost"]'),
        ("f.a.field=tags&f.a.op=has&f.a.value=hot", 'HASANY(tags, "hot")'),
        ("f.a.field=amount&f.a.op=at_least&f.a.value=200,000", "amount >= 200000"),
        ("f.a.field=rate&f.a.op=at_most&f.a.value=50%25", "rate <= 0.5"),
        ("f.a.field=due&f.a.op=until&f.a.value=2026-11-20", 'due <= "2026-11-20"'),
        ("f.a.field=due&f.a.op=past", "due < today"),
        ("f.a.field=owner&f.a.op=me", "owner == user"),
        ("f.a.field=owner&f.a.op=is&f.a.value=7", 'owner.email == "ann@example.com"'),
        ("f.a.field=team&f.a.op=mine", "team in user.departments"),
        ("f.a.field=customer&f.a.op=contains&f.a.value=x", 'CONTAINS(LOWER(customer.name), LOWER("x"))'),
        ("f.a.field=done&f.a.op=no", "not done"),
        ("f.a.field=name&f.a.op=blank", "ISBLANK(name)"),
    ],
)
def test_a_row_says_what_it_means(query: str, expression: str) -> None:
    assert _said(query) == expression


def test_rows_are_joined_by_what_the_reader_chose() -> None:
    query = "f.a.field=done&f.a.op=yes&f.b.field=owner&f.b.op=me"

    assert _said(query) == "done and owner == user"
    assert _said(query, "any") == "done or owner == user"


@pytest.mark.parametrize(
    "query",
    [
        "f.a.field=amount&f.a.op=at_least&f.a.value=",
        "f.a.field=amount&f.a.op=at_least&f.a.value=lots",
        "f.a.field=due&f.a.op=until&f.a.value=someday",
        "f.a.field=nowhere&f.a.op=is&f.a.value=1",
        "f.a.op=is&f.a.value=1",
    ],
)
def test_an_unfinished_row_says_nothing(query: str) -> None:
    assert _said(query) == ""
