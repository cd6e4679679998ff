"""Lists that could not be shown, sorted or searched are refused when their definition is checked."""

from typing import Any

import pytest

from tests.engines.forms.play import field, form, problems_of

FORMS = (
    form("customer", field("name"), field("kinds", "multi_select", options=["x"])),
    form(
        "deal",
        field("title"),
        field("customer", "link", form="customer"),
        field("tags", "tags"),
        field("files", "attachment"),
        field("items", "subform", fields=[field("quantity", "number")]),
    ),
)
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"sort": ["title", "-items"]}, "/sort/1", "not_sortable"),
    ({"sort": ["tags"]}, "/sort/0", "not_sortable"),
    ({"sort": ["files"]}, "/sort/0", "not_sortable"),
    ({"sort": ["items.quantity"]}, "/sort/0", "not_sortable"),
    ({"sort": ["customer.kinds"]}, "/sort/0", "not_sortable"),
    ({"sort": ["title", "id", "owner", "version", "created_at", "updated_at"]}, "/sort", "limit_exceeded"),
    ({"columns": ["items.quantity"]}, "/columns/0", "not_a_column"),
]


@pytest.mark.parametrize(("said", "place", "code"), WRONG)
def test_a_list_that_cannot_be_shown_is_refused(said: dict[str, Any], place: str, code: str) -> None:
    customer, deal = FORMS
    views = [{"name": "mine", "form": "deal", **said}]

    assert problems_of(customer, {**deal, **said}) == [(f"/forms/1{place}", code)]
    assert problems_of(*FORMS, views=views) == [(f"/views/0{place}", code)]


def test_a_list_goes_by_what_holds_one_value() -> None:
    said = {"sort": ["customer.name", "-owner.department", "created_at", "customer"], "columns": ["items", "tags"]}

    assert problems_of(*FORMS, views=[{"name": "mine", "form": "deal", **said}]) == []


@pytest.mark.parametrize("name", ["items", "files", "customer", "owner"])
def test_words_are_looked_for_in_texts_only(name: str) -> None:
    customer, deal = FORMS

    assert problems_of(customer, {**deal, "search": ["title", name]}) == [("/forms/1/search/1", "not_searchable")]
