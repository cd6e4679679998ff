"""The branch checker: it finds the values that fall between branches, and nothing where nothing is wrong."""

import pytest

from metadata.text import say
from tests.engines.flows.play import approval, compiled

DIRECTOR = approval("director", {"role": "hr"})


def warnings(*conditions, otherwise=True):
    branches = [{"if": text, "nodes": []} for text in conditions]
    node = {
        "type": "condition",
        "branches": [*branches, {"else": True, "nodes": [DIRECTOR] if otherwise else []}],
    }
    return compiled(node).warnings


def test_the_contract_scenario_as_worded_leaves_exactly_fifty_thousand_open():
    (warning,) = warnings("amount < 50000", "amount > 50000")

    assert warning.code == "branch_gap"
    assert str(warning.path) == "/flows/0/nodes/0/branches"
    assert "exactly 50,000" in say(warning.message, "en")
    assert "正好等于 50,000" in say(warning.message, "zh")
    assert warning.hint


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (("days < 3", "days > 5"), "from 3 and up to 5"),
        (("days <= 3", "days >= 5"), "above 3 and below 5"),
        (("days < 3", "days >= 4"), "exactly 3"),
        (("days >= 1 and days <= 3", "days > 7"), "above 3 and up to 7"),
        (("not (days >= 3)", "days > 3 or days == 9"), "exactly 3"),
        (("due < '2026-01-01'", "due > '2026-01-01'"), "exactly 2026-01-01"),
    ],
)
def test_a_hole_between_branches_is_named(conditions, said):
    (warning,) = warnings(*conditions)

    assert said in say(warning.message, "en")


@pytest.mark.parametrize(
    "conditions",
    [
        ("days > 5",),
        ("days <= 3", "days > 3"),
        ("days <= 3", "days >= 4"),  # whole numbers: nothing lies between
        ("amount < 50000", "amount >= 50000"),
        ("days > 100", "days > 50"),  # the narrower first, as one writes it
        ("kind == 'annual'", "kind == 'sick'"),  # the else has work for the rest
        ("amount * 2 > 5", "amount < 1"),  # cannot be cut into pieces: nothing is claimed
        ("applicant.name == 'x'", "days > 3"),
    ],
)
def test_nothing_is_said_where_nothing_is_open(conditions):
    assert warnings(*conditions) == ()


def test_a_choice_that_no_branch_takes_is_named_where_the_else_does_nothing():
    (warning,) = warnings("kind == 'annual'", "kind in ['sick']", otherwise=False)

    assert "other" in say(warning.message, "en")


def test_two_branches_that_each_claim_a_part_of_the_other_are_named():
    (warning,) = warnings("days < 60", "days > 50")

    assert warning.code == "branch_overlap"
    assert "above 50 and below 60" in say(warning.message, "en")
    assert str(warning.path) == "/flows/0/nodes/0/branches/1/if"


def test_a_branch_behind_a_wider_one_is_never_taken():
    (warning,) = warnings("days > 50", "days > 100")

    assert warning.code == "branch_never_taken"


def test_two_fields_are_looked_at_together():
    (warning,) = warnings("urgent and days < 3", "urgent and days > 3")

    assert "exactly 3" in say(warning.message, "en")
    assert "yes" in say(warning.message, "en")
