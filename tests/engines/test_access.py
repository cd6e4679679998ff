"""Access entries: how grants unite, what they mask, and what publishing refuses."""

from typing import Any

import pytest

from engines import compile_app, compile_what_can_be
from engines.access import SYSTEM, grants_of, may, readable_fields, readable_names, view
from engines.actor import Actor
from engines.compiled import CompiledApp
from metadata.language import Language
from metadata.problems import InvalidDefinition
from runtime import plugins

FORMS: list[dict[str, Any]] = [
    {
        "id": "t_customer",
        "name": "customer",
        "fields": [
            {"id": "f_name", "name": "name", "type": "text"},
            {"id": "f_level", "name": "level", "type": "text"},
            {"id": "f_cost", "name": "cost", "type": "money"},
            {"id": "f_price", "name": "price", "type": "money"},
            {"id": "f_gain", "name": "gain", "type": "formula", "formula": "price - cost", "decimals": 2},
            {"id": "f_rate", "name": "rate", "type": "formula", "formula": "gain / price", "decimals": 2},
            {"id": "f_deals", "name": "deals", "type": "rollup", "form": "deal", "link": "customer", "sum": "amount"},
            {
                "id": "f_open",
                "name": "open_total",
                "type": "rollup",
                "form": "deal",
                "link": "customer",
                "sum": "amount",
                "declassify": True,
            },
        ],
    },
    {
        "id": "t_deal",
        "name": "deal",
        "fields": [
            {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
            {"id": "f_amount", "name": "amount", "type": "money"},
            {"id": "f_level2", "name": "level", "type": "lookup", "link": "customer", "field": "level"},
        ],
    },
]


def app_with(*access: dict[str, Any]) -> CompiledApp:
    kinds = plugins.load()
    return compile_app(Language(kinds).read(definition_with(*access)), kinds)


def definition_with(*access: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": 1,
        "app": "office",
        "roles": [{"id": f"r_{name}", "name": name} for name in ("seller", "manager")],
        "forms": FORMS,
        "access": list(access),
    }


def somebody(*roles: str, **more: Any) -> Actor:
    return Actor(kind="user", member=7, roles={"office": frozenset(f"r_{each}" for each in roles)}, **more)


def entry(role: str = "seller", form: str = "customer", may: str = "read", **more: Any) -> dict[str, Any]:
    return {"role": role, "form": form, "may": may.split(), **more}


def test_without_an_entry_there_is_no_right() -> None:
    app = app_with(entry())
    assert may(app, somebody("seller"), "read", "t_customer")
    assert not may(app, somebody("seller"), "update", "t_customer")
    assert not may(app, somebody("manager"), "read", "t_customer")
    assert not may(
        app, Actor(kind="user", member=7, rights=frozenset({"app_admin", "user_admin"})), "read", "t_customer"
    )


def test_a_key_may_do_what_its_scopes_allow_and_no_more() -> None:
    app = app_with(entry(may="read update"))
    key = somebody("seller", scopes=frozenset({"read"}))
    assert may(app, key, "read", "t_customer")
    assert not may(app, key, "update", "t_customer")


def test_grants_of_one_scope_unite() -> None:
    app = app_with(
        entry(where="owner == user", fields=["name"]),
        entry("manager", where="owner == user", fields=["level"]),
        entry("manager", where="level == 'A'", fields=["name"]),
    )
    held = grants_of(app, somebody("seller", "manager"), "read", "t_customer")
    assert [sorted(each.fields or ()) for each in held] == [["f_level", "f_name"], ["f_name"]]


def test_a_grant_for_all_records_and_fields_makes_the_others_needless() -> None:
    app = app_with(entry(where="owner == user"), entry("manager"))
    (only,) = grants_of(app, somebody("seller", "manager"), "read", "t_customer")
    assert only.is_everywhere


def test_the_mask_vanishes_where_every_grant_gives_the_field() -> None:
    app = app_with(
        entry(where="owner == user", fields=["name", "level"]), entry(where="level == 'A'", fields=["name", "cost"])
    )
    masks = view(app, somebody("seller"), "t_customer").masks
    assert masks["f_name"] == ()
    assert masks["f_level"] == (frozenset({0}),)
    assert masks["f_cost"] == (frozenset({1}),)
    assert "f_price" not in masks


def test_a_formula_shows_where_all_that_it_is_made_of_does() -> None:
    app = app_with(
        entry(where="owner == user", fields=["gain", "rate", "price", "cost"]),
        entry(where="level == 'A'", fields=["gain", "rate", "price"]),
        entry("manager", fields=["gain", "rate", "price"]),
    )
    masks = view(app, somebody("seller"), "t_customer").masks
    assert masks["f_gain"] == masks["f_rate"] == (frozenset({0}),)
    assert readable_fields(app, somebody("manager"), "t_customer") == {"f_price"}


def test_a_total_shows_to_those_who_see_all_it_counts_or_when_declassified() -> None:
    scoped = app_with(entry(), entry(form="deal", where="owner == user"))
    assert {"f_deals", "f_open"} & readable_fields(scoped, somebody("seller"), "t_customer") == {"f_open"}
    whole = app_with(entry(), entry(form="deal"))
    assert "f_deals" in readable_fields(whole, somebody("seller"), "t_customer")
    masked = app_with(entry(), entry(form="deal", fields=["customer"]))
    assert "f_deals" not in readable_fields(masked, somebody("seller"), "t_customer")


def test_hidden_names_are_unknown() -> None:
    app = app_with(entry(fields=["name"]))
    names = readable_names(app, somebody("seller"))
    assert "name" in names.fields("t_customer") and "owner" in names.fields("t_customer")
    assert "cost" not in names.fields("t_customer")
    assert not names.fields("t_deal")
    assert readable_names(app, SYSTEM) is app.names


@pytest.mark.parametrize("scope", ["own", "department", "all"])
def test_scopes_have_short_names(scope: str) -> None:
    app = app_with(entry(where=scope))
    (grant,) = grants_of(app, somebody("seller"), "read", "t_customer")
    assert (grant.scope.text if grant.scope else None) == {
        "own": "owner == user",
        "department": "department in user.departments",
        "all": None,
    }[scope]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"where": "no_such == 1"}, "/access/0/where"),
        ({"where": "name"}, "/access/0/where"),
        ({"where": "old.name == 'x'"}, "/access/0/where"),
        ({"fields": ["no_such"]}, "/access/0/fields/0"),
        ({"role": "no_such"}, "/access/0/role"),
        ({"form": "no_such"}, "/access/0/form"),
        ({"may": ["fly"]}, "/access/0/may/0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        app_with({**entry(), **wrong})
    assert place in {str(each.path) for each in refused.value.problems}


def test_an_entry_whose_condition_cannot_be_read_any_more_grants_nothing() -> None:
    """Once it could be: a kind or a function in it has gone since."""
    kinds = plugins.load()
    definition = Language(kinds).read(definition_with(entry(where="GONE(name)"), entry("manager", where="own")))

    app = compile_what_can_be(definition, kinds, 1, {})

    assert not may(app, somebody("seller"), "read", "t_customer")
    assert may(app, somebody("manager"), "read", "t_customer")
