"""Comparing with an option or a role that does not exist is found wherever a definition compares."""

from typing import Any

import pytest

from engines.checks.comparisons import vain_comparisons
from metadata.problems import Problem
from runtime.plugins import load
from tests.engines.forms.play import app_of, field, form

FORMS = (
    form(
        "customer",
        field("level", "select", options=["a", "b"]),
        field("won", "rollup", form="deal", link="customer", count=True, where="state == 'won'"),
    ),
    form(
        "deal",
        field("title"),
        field("customer", "link", form="customer"),
        field("state", "select", options=["open", {"value": "won", "was": ["sold"]}]),
        field("labels", "multi_select", options=["hot", "cold"]),
        field("grade", "lookup", link="customer", field="level"),
        field("items", "subform", fields=[field("kind", "select", options=["p", "q"])]),
    ),
)


def found(*forms: Any, **more: Any) -> list[Problem]:
    app = app_of(*(forms or FORMS), roles=["seller"], **more)
    return list(vain_comparisons(app, load().functions))


def rule(condition: Any) -> dict[str, Any]:
    then = [{"action": "set", "values": {"title": "x"}}]
    return {"name": "r", "when": {"trigger": "updated", "form": "deal"}, "if": condition, "then": then}


@pytest.mark.parametrize(
    "condition",
    [
        "state == 'opn'",
        "state != 'opn'",
        "'opn' == state",
        "old.state == 'opn'",
        "state in ['open', 'opn']",
        "'htt' in labels",
        "HASANY(labels, 'hot', 'htt')",
        "customer.level == 'c'",
        "grade == 'c'",
        "any(i.kind == 'x' for i in items)",
        "SWITCH(state, 'opn', 1, 2) == 1",
    ],
)
def test_an_option_that_does_not_exist_is_found(condition: str) -> None:
    [problem] = found(rules=[rule(condition)])

    assert (str(problem.path), problem.code) == ("/rules/0/if", "not_an_option")
    assert problem.hint


@pytest.mark.parametrize(
    "condition", ["state == ''", "state == 'sold'", "state == title", "'hot' in labels", "'seller' in user.roles"]
)
def test_what_may_hold_is_left_alone(condition: str) -> None:
    assert found(rules=[rule(condition)]) == []


def test_the_nearest_option_or_role_is_offered() -> None:
    problems = found(rules=[rule({"all": ["state == 'opn'", {"any": ["'sellr' in user.roles"]}]})])

    assert [(str(each.path), each.code) for each in problems] == [
        ("/rules/0/if/all/0", "not_an_option"),
        ("/rules/0/if/all/1/any/0", "unknown_role"),
    ]
    assert [each.as_json()["hint"] for each in problems] == ["Did you mean “open”?", "Did you mean “seller”?"]


def test_it_is_found_in_every_part_of_a_definition() -> None:
    wrong = "state == 'opn'"
    customer, deal = FORMS
    total = {**customer["fields"][1], "where": wrong}
    more = [field("note", required_if=wrong), field("mood", "select", options=["good"], default="='god'")]
    problems = found(
        {**customer, "fields": [customer["fields"][0], total]},
        {**deal, "fields": [*deal["fields"], *more], "validations": [{"valid_if": wrong, "message": "no"}]},
        views=[{"name": "v", "form": "deal", "where": wrong}],
        access=[{"role": "seller", "form": "deal", "may": ["read"], "where": wrong}],
        flows=[{"name": "f", "form": "deal", "if": wrong, "nodes": [
            {"type": "condition", "branches": [{"if": wrong}, {"else": True}]}]}],
        rules=[{**rule("true"), "then": [
            {"action": "notify", "to": "=owner", "text": f"{{% if {wrong} %}}x{{% endif %}}"},
            {"action": "set", "values": {"title": f"=IF({wrong}, 'a', 'b')"}},
            {"action": "update", "form": "deal", "where": wrong, "values": {"title": "x"}}]}],
        reports=[{"name": "p", "form": "deal", "where": wrong,
                  "parameters": [{"name": "which", "type": "text", "where": f"{wrong} or state == which"}],
                  "measures": [{"name": "n", "count": True, "where": wrong}]}],
    )  # fmt: skip

    assert {str(each.path) for each in problems} == {
        "/forms/0/fields/1/where",
        "/forms/1/fields/6/required_if",
        "/forms/1/fields/7/default",
        "/forms/1/validations/0/valid_if",
        "/views/0/where",
        "/access/0/where",
        "/flows/0/if",
        "/flows/0/nodes/0/branches/0/if",
        "/rules/0/then/0/text",
        "/rules/0/then/1/values/title",
        "/rules/0/then/2/where",
        "/reports/0/where",
        "/reports/0/parameters/0/where",
        "/reports/0/measures/0/where",
    }
