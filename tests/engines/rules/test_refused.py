"""Rules that could never do what they say are refused with the place, a code and a way out."""

from typing import Any

import pytest

from tests.engines.forms.play import field, form, problems_of

FORMS = (
    form("customer", field("name"), field("level", "select", options=["a", "b"])),
    form(
        "deal",
        field("title"),
        field("customer", "link", form="customer"),
        field("others", "link", form="customer", multiple=True),
        field("state", "select", options=["open", "won"], stage=True),
        field("amount", "money"),
        field("seller", "member"),
        field("files", "attachment"),
        field("size", "lookup", link="customer", field="level"),
        field("items", "subform", fields=[field("quantity", "number")]),
    ),
)
SAVED = {"trigger": "updated", "form": "deal"}
TITLE = {"action": "set", "values": {"title": "x"}}
CHANGED = {"trigger": "changed", "form": "deal"}
SILENT = {"trigger": "absence", "form": "customer", "child": "deal", "duration": "3 days"}
NAMED = {"action": "set", "values": {"name": "x"}}


def sets(**values: Any) -> dict[str, Any]:
    return {"action": "set", "values": values}


def updates(**more: Any) -> dict[str, Any]:
    return {"action": "update", "form": "deal", "values": {"title": "x"}, **more}


ACTIONS: list[tuple[dict[str, Any], str, str]] = [
    (sets(seller="1042"), "/values/seller", "id_in_definition"),
    (sets(customer={"text": "1042"}), "/values/customer", "id_in_definition"),
    (sets(others=["1042"]), "/values/others", "id_in_definition"),
    (sets(files=["1042"]), "/values/files", "id_in_definition"),
    (sets(amount="{{title}}"), "/values/amount", "type_mismatch"),
    (sets(items=[{"quantity": 1}]), "/values/items", "rows_written_out"),
    (sets(), "/values", "no_values"),
    (sets(state="=IF(amount > 1, 'opn', 'won')"), "/values/state", "not_an_option"),
    ({"action": "create", "form": "customer", "owner": "1042"}, "/owner", "id_in_definition"),
    (updates(record="1042"), "/record", "not_a_record"),
    (updates(record="=record", where="amount > 1"), "/where", "target_unclear"),
    (updates(link="seller"), "/link", "not_a_link"),
    (updates(link="customer"), "/link", "not_a_link"),
    ({"action": "update", "form": "customer", "record": "=customer", "values": {}}, "/values", "no_values"),
    ({"action": "notify", "to": {"member": "ann"}, "text": "x"}, "/to/member", "not_a_person"),
]


@pytest.mark.parametrize(("action", "place", "code"), ACTIONS)
def test_an_action_that_cannot_be_meant_is_refused(action: dict[str, Any], place: str, code: str) -> None:
    rules = [{"name": "r", "when": SAVED, "then": [action]}]

    assert (f"/rules/0/then/0{place}", code) in problems_of(*FORMS, rules=rules)


TRIGGERS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({**CHANGED, "field": "state", "to": "='won'"}, TITLE, "/to", "constant_expected"),
    ({**CHANGED, "field": "state", "from": "won", "to": "won"}, TITLE, "/to", "no_step"),
    ({**CHANGED, "field": "seller", "to": "1042"}, TITLE, "/to", "id_in_definition"),
    ({**CHANGED, "field": "owner", "to": "1042"}, TITLE, "/to", "useless_key"),
    ({**CHANGED, "field": "size"}, TITLE, "/field", "moves_without_save"),
    ({**SAVED, "fields": ["title", "size"]}, TITLE, "/fields/1", "moves_without_save"),
    ({**SILENT, "link": "seller"}, NAMED, "/link", "not_a_link"),
    ({**SILENT, "link": "others"}, NAMED, "/link", "not_a_link"),
    ({**SILENT, "link": "customer", "rows": "level"}, NAMED, "/rows", "useless_key"),
]


@pytest.mark.parametrize(("when", "then", "place", "code"), TRIGGERS)
def test_a_trigger_that_could_not_fire_is_refused(
    when: dict[str, Any], then: dict[str, Any], place: str, code: str
) -> None:
    rules = [{"name": "r", "when": when, "then": [then]}]

    assert (f"/rules/0/when{place}", code) in problems_of(*FORMS, rules=rules)
