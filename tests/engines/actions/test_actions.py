"""What each action asks for, and what is wrong with it when it is written wrongly."""

from typing import Any

import pytest

from engines.effects import AssignOwner, CreateRecord, Notify, SendMail, SetFields, UpdateRecord
from engines.facts import Needs, Search
from engines.rules import execute
from metadata.problems import InvalidDefinition
from tests.engines.rules.sales import ANN, BO, CHEF, created, day, deal, facts, money, sales

CUSTOMER = {("t_customer", 5): {"id": 5, "f_cname": "Acme", "f_contact": "buyer@acme.example", "owner": BO}}


def asked(*actions: dict[str, Any], record: dict[str, Any] | None = None, **known: Any) -> list[Any]:
    """What late actions ask for when a deal of Ann's is created."""
    tell = {"action": "notify", "to": "=owner", "text": "late"}  # makes the rule a late one
    app = sales({"when": {"trigger": "created", "form": "deal"}, "then": [*actions, tell]})
    answer = execute(app.rules, created(record or deal(f_customer=5)), facts(records=CUSTOMER, **known))
    if isinstance(answer, Needs):
        return [answer]
    return list(answer.effects[0].effects[:-1])


def problems(action: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDefinition) as refused:
        sales({"when": {"trigger": "created", "form": "deal"}, "then": [action]})
    return [(str(problem.path), problem.code) for problem in refused.value.problems]


def test_set_takes_literals_expressions_and_templates() -> None:
    values = {"amount": "12.50", "score": "=amount", "note": "{{name}}!", "due": "=today + 2", "stage": "won"}
    values["amount"] = 12.5  # type: ignore[assignment]

    (effect,) = asked({"action": "set", "values": values}, record=deal(f_amount=money(3)))

    assert effect == SetFields(
        "t_deal",
        7,
        {
            "f_amount": money("12.50"),
            "f_score": money(3),
            "f_note": "Big one!",
            "f_due": day("2026-11-22"),
            "f_stage": "won",
        },
    )


def test_create_links_back_and_names_an_owner() -> None:
    (effect,) = asked({"action": "create", "form": "visit", "owner": "=manager_of(owner)", "values": {"what": "call"}})

    assert effect == CreateRecord("t_visit", {"f_what": "call", "owner": CHEF})


def test_update_follows_a_link() -> None:
    (effect,) = asked({"action": "update", "form": "customer", "record": "=customer", "values": {"level": "A"}})

    assert effect == UpdateRecord("t_customer", 5, {"f_level": "A"})


def test_update_without_a_customer_does_nothing() -> None:
    action = {"action": "update", "form": "customer", "record": "=customer", "values": {"level": "A"}}

    assert asked(action, record=deal()) == []


def test_update_looks_for_records_that_link_here() -> None:
    update = {"action": "update", "form": "visit", "link": "deal", "where": "what != 'x'", "values": {"what": "done"}}
    search = Search("t_visit", "f_deal", 7, "what != 'x'")

    assert asked(update) == [Needs(found=frozenset({search}))]
    assert asked(update, found={search: ({"id": 31}, {"id": 32})}) == [
        UpdateRecord("t_visit", 31, {"f_what": "done"}),
        UpdateRecord("t_visit", 32, {"f_what": "done"}),
    ]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("=manager_of(owner)", AssignOwner("t_deal", 7, CHEF)),
        ("=customer.owner", AssignOwner("t_deal", 7, BO)),
        (None, AssignOwner("t_deal", 7, None)),
        ({"role": "seller"}, AssignOwner("t_deal", 7, ANN, (ANN, BO), "rotation:u_0:then:0")),
    ],
)
def test_assign_hands_over_to_one_to_the_next_or_to_the_pool(to: Any, expected: AssignOwner) -> None:
    assert asked({"action": "assign", "to": to}) == [expected]


def test_notify_tells_active_people_once() -> None:
    to = ["=owner", {"role": "seller"}, {"manager_of": "owner"}, "=manager_of(owner)"]

    (effect,) = asked({"action": "notify", "to": to, "text": {"en": "{{name}}", "zh": "商机 {{name}}"}})

    assert effect == Notify((ANN, BO, CHEF), {"en": "Big one", "zh": "商机 Big one"}, "", "t_deal", 7)


def test_a_mail_goes_to_members_and_to_addresses_in_fields() -> None:
    to = ["=owner", "=customer.contact", "office@example.com"]

    (effect,) = asked({"action": "mail", "to": to, "subject": "On {{name}}", "text": "Dear {{customer.name}}"})

    assert effect == SendMail((ANN, "buyer@acme.example", "office@example.com"), "On Big one", "Dear Acme", "t_deal", 7)


def test_a_value_with_braces_is_data_and_not_rendered_again() -> None:
    (effect,) = asked({"action": "set", "values": {"note": "{{name}}"}}, record=deal(f_name="{{owner.email}}"))

    assert effect.values == {"f_note": "{{owner.email}}"}


@pytest.mark.parametrize(
    ("action", "place", "code"),
    [
        ({"action": "set", "values": {"amount": "much"}}, "values/amount", None),
        ({"action": "set", "values": {"amount": "=name"}}, "values/amount", None),
        ({"action": "set", "values": {"stage": "gone"}}, "values/stage", None),
        ({"action": "notify", "to": "owner", "text": "x"}, "to", "not_a_person"),
        ({"action": "notify", "to": "=amount", "text": "x"}, "to", "not_a_person"),
        ({"action": "notify", "to": "a@example.com", "text": "x"}, "to", "not_a_person"),
        ({"action": "notify", "to": "=owner", "text": "{{nmae}}"}, "text", None),
        ({"action": "mail", "to": "nobody", "subject": "x", "text": "x"}, "to", "not_a_person"),
        ({"action": "assign", "to": "Ann"}, "to", "not_a_person"),
        ({"action": "assign", "to": {}}, "to", "people_unclear"),
        ({"action": "notify", "to": {}, "text": "x"}, "to", "people_unclear"),
        ({"action": "notify", "to": ["=owner", {}], "text": "x"}, "to/1", "people_unclear"),
        ({"action": "notify", "to": {"role": "boss", "field": "owner"}, "text": "x"}, "to", "people_unclear"),
        ({"action": "notify", "to": {"role": "seller", "of": "name"}, "text": "x"}, "to/of", "not_a_person"),
        ({"action": "notify", "to": [], "text": "x"}, "to", None),
        ({"action": "update", "form": "visit", "values": {"what": "x"}}, "", "target_missing"),
        ({"action": "start_flow", "flow": "none"}, "flow", None),
    ],
)
def test_a_wrong_action_is_a_problem_at_its_place(action: dict[str, Any], place: str, code: str | None) -> None:
    path = "/rules/0/then/0" + (f"/{place}" if place else "")

    found = problems(action)

    assert path in [where for where, _ in found], found
    assert code is None or (path, code) in found


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        ({"when": {"trigger": "schedule", "cron": "every day"}}, "/rules/0/when/cron", "bad_cron"),
        ({"when": {"trigger": "date", "form": "deal", "field": "amount"}}, "/rules/0/when/field", "not_a_date"),
        (
            {"when": {"trigger": "time_in_stage", "form": "deal", "field": "note", "value": "x", "duration": "1 day"}},
            "/rules/0/when/field",
            "not_a_stage",
        ),
        (
            {"when": {"trigger": "absence", "form": "customer", "child": "visit", "duration": "1 day"}},
            "/rules/0/when/child",
            "no_link",
        ),
        (
            {"when": {"trigger": "rollup_changed", "form": "deal", "field": "amount"}},
            "/rules/0/when/field",
            "not_a_rollup",
        ),
        *(
            ({"when": {"trigger": "becomes", "form": form, "if": text}}, "/rules/0/when/if", "moves_without_save")
            for form, text in (
                ("deal", "visits > 2"),
                ("deal", "amount > 5 and visits > 2"),
                ("visit", "deal.visits > 2"),
            )
        ),
        (
            {"when": {"trigger": "changed", "form": "deal", "field": "visits"}},
            "/rules/0/when/field",
            "moves_without_save",
        ),
        ({"when": {"trigger": "created", "form": "deal"}, "then": []}, "/rules/0/then", "no_actions"),
        (
            {"when": {"trigger": "schedule", "cron": "0 9 * * *"}, "then": [{"action": "assign", "to": None}]},
            "/rules/0/when",
            "no_record",
        ),
        (
            {
                "when": {"trigger": "created", "form": "deal"},
                "async": True,
                "then": [{"action": "refuse", "message": "n"}],
            },
            "/rules/0/then",
            "nothing_to_refuse",
        ),
    ],
)
def test_a_wrong_rule_is_a_problem_at_its_place(rule: dict[str, Any], path: str, code: str) -> None:
    tell = [{"action": "notify", "to": {"role": "boss"}, "text": "x"}]
    with pytest.raises(InvalidDefinition) as refused:
        sales({"then": tell, **rule})

    assert (path, code) in [(str(problem.path), problem.code) for problem in refused.value.problems]
