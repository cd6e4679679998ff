"""Rules and totals: which triggers see a total move, and what a rule that runs within the save may read."""

from typing import Any

import pytest

from tests.engines.forms.play import app_of, field, form, problems_of

ACCOUNT = form(
    "account",
    field("budget", "money"),
    field("spent", "rollup", form="payment", link="account", sum="amount"),
    field("free", "formula", formula="budget - spent", decimals=2),
    field("later", "rollup", form="payment", link="account", sum="amount", eventual=True),
    field("later_share", "formula", formula="later / budget", decimals=2),
)
PAYMENT = form(
    "payment",
    field("account", "link", form="account"),
    field("amount", "money"),
    field("left", "lookup", link="account", field="free"),
    field("state", "select", options=["open", "paid"]),
)
NOTIFY = [{"action": "notify", "to": "=owner", "text": "Look"}]
REFUSE = [{"action": "refuse", "message": "No"}]


def rule(when: dict[str, Any], then: list[dict[str, Any]] = NOTIFY, **more: Any) -> dict[str, Any]:
    return {"name": "watch", "when": when, "then": then, **more}


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ({"trigger": "becomes", "form": "account", "if": "spent > 5"}, "if"),
        ({"trigger": "becomes", "form": "account", "if": "free < 0"}, "if"),
        ({"trigger": "becomes", "form": "account", "if": {"all": ["budget > 5", "free < 0"]}}, "if"),
        ({"trigger": "becomes", "form": "payment", "if": "state == 'paid' and account.spent > 5"}, "if"),
        ({"trigger": "becomes", "form": "payment", "if": "left < 0"}, "if"),
        ({"trigger": "changed", "form": "account", "field": "spent"}, "field"),
        ({"trigger": "changed", "form": "account", "field": "free"}, "field"),
    ],
)
def test_a_trigger_that_looks_at_saves_cannot_wait_for_a_total(when: dict[str, Any], place: str) -> None:
    assert problems_of(ACCOUNT, PAYMENT, rules=[rule(when)]) == [(f"/rules/0/when/{place}", "moves_without_save")]


def test_a_condition_may_read_a_total_when_something_else_sets_the_rule_off() -> None:
    changed = {"trigger": "changed", "form": "payment", "field": "state"}
    becomes = {"trigger": "becomes", "form": "payment", "if": "state == 'paid'"}

    for when in (changed, becomes):
        app_of(ACCOUNT, PAYMENT, rules=[rule(when, **{"if": "account.spent > 5 and left > 0"})])


@pytest.mark.parametrize("name", ["spent", "free", "later", "later_share"])
def test_rollup_changed_watches_roll_ups_and_the_formulas_stored_with_them(name: str) -> None:
    app_of(ACCOUNT, PAYMENT, rules=[rule({"trigger": "rollup_changed", "form": "account", "field": name})])


@pytest.mark.parametrize(("form_name", "name"), [("account", "budget"), ("payment", "left")])
def test_rollup_changed_watches_nothing_else(form_name: str, name: str) -> None:
    when = {"trigger": "rollup_changed", "form": form_name, "field": name}

    assert problems_of(ACCOUNT, PAYMENT, rules=[rule(when)]) == [("/rules/0/when/field", "not_a_rollup")]


SAVED = {"trigger": "updated", "form": "account"}
PAID = {"trigger": "updated", "form": "payment"}


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (rule(SAVED, REFUSE, **{"if": "later > 5"}), "if"),
        (rule(SAVED, REFUSE, **{"if": "later_share > 1"}), "if"),
        (rule(PAID, REFUSE, **{"if": "account.later > 5"}), "if"),
        (rule(SAVED, [{"action": "set", "values": {"budget": "=later"}}]), "then"),
    ],
)
def test_a_rule_within_the_save_does_not_read_what_is_worked_out_after_it(written: dict[str, Any], place: str) -> None:
    assert problems_of(ACCOUNT, PAYMENT, rules=[written]) == [(f"/rules/0/{place}", "late_total")]


@pytest.mark.parametrize(
    "written",
    [
        rule(SAVED, REFUSE, **{"if": "spent > 5"}),
        rule(SAVED, NOTIFY, **{"if": "later > 5"}),
        rule(SAVED, [{"action": "set", "values": {"budget": "=later"}}], **{"async": True}),
        rule({"trigger": "rollup_changed", "form": "account"}, REFUSE, **{"if": "later > 5"}),
    ],
)
def test_rules_that_run_later_may_read_it(written: dict[str, Any]) -> None:
    app_of(ACCOUNT, PAYMENT, rules=[written])
