"""Rules that look at saves: when they fire, in which order, early or late."""

from typing import Any

import pytest

from engines.compiled import EarlyAnswer
from engines.effects import ByRule, Later, Refuse, SetFields
from engines.events import RecordChanged
from engines.rules import Outcome, execute
from tests.engines.rules.sales import BO, created, deal, deleted, facts, money, sales, updated

NOTE = {"action": "set", "values": {"note": "seen"}}
TELL = {"action": "notify", "to": "=owner", "text": "seen"}


def on(trigger: str, **options: Any) -> dict[str, Any]:
    return {"trigger": trigger, "form": "deal", **options}


def early(app: Any, event: RecordChanged) -> EarlyAnswer:
    answer = app.rules.early(event, facts())
    assert isinstance(answer, EarlyAnswer)
    return answer


def late(app: Any, event: RecordChanged, runs: dict[tuple[str, int], int] | None = None) -> Outcome:
    answer = execute(app.rules, event, facts(), runs or {})
    assert isinstance(answer, Outcome)
    return answer


def done(outcome: Outcome) -> list[Any]:
    return [effect for by in outcome.effects for effect in (by.effects if isinstance(by, ByRule) else (by,))]


@pytest.mark.parametrize(
    ("when", "then", "options", "expected"),
    [
        ("created", [NOTE], {}, True),
        ("updated", [NOTE, {"action": "refuse", "message": "no"}], {}, True),
        ("updated", [NOTE, TELL], {}, False),
        ("updated", [TELL], {}, False),
        ("updated", [NOTE], {"async": True}, False),
        ("rollup_changed", [NOTE], {}, False),
    ],
)
def test_a_rule_is_early_when_it_only_sets_its_record_or_refuses(
    when: str, then: list[Any], options: dict[str, Any], expected: bool
) -> None:
    app = sales({"when": on(when), "then": then, **options})

    assert app.rules.rules["u_0"].early is expected


def test_a_new_record_sets_off_created_and_becomes_but_not_updated() -> None:
    app = sales(
        {"when": on("created"), "then": [TELL]},
        {"when": on("updated"), "then": [TELL]},
        {"when": on("becomes", **{"if": "score > 80"}), "then": [TELL]},
        {"when": on("deleted"), "then": [TELL]},
    )

    outcome = late(app, created(deal(f_score=money(90))))

    assert [trace.rule for trace in outcome.trace] == ["u_0", "u_2"]


def test_becomes_fires_on_the_crossing_and_not_on_every_save_while_true() -> None:
    app = sales({"when": on("becomes", **{"if": "score > 80"}), "then": [TELL]})

    assert late(app, updated(deal(f_score=money(80)), f_score=money(81))).trace
    assert not late(app, updated(deal(f_score=money(81)), f_score=money(95))).trace
    assert not late(app, updated(deal(f_score=money(95)), f_score=money(10))).trace


@pytest.mark.parametrize(
    ("options", "before", "after", "fires"),
    [
        ({}, "new", "won", True),
        ({"from": "new", "to": "won"}, "new", "won", True),
        ({"from": "offer", "to": "won"}, "new", "won", False),
        ({"to": "won"}, "offer", "won", True),
        ({"to": ""}, "offer", None, True),
        ({"from": "won"}, "offer", "won", False),
    ],
)
def test_changed_watches_the_step_of_a_field(options: dict[str, str], before: str, after: str, fires: bool) -> None:
    app = sales({"when": on("changed", field="stage", **options), "then": [TELL]})

    outcome = late(app, updated(deal(f_stage=before), f_stage=after))

    assert bool(outcome.trace) is fires


def test_updated_with_fields_looks_at_those_only() -> None:
    app = sales({"when": on("updated", fields=["amount"]), "then": [TELL]})

    assert late(app, updated(deal(), f_amount=money(5))).trace
    assert not late(app, updated(deal(), f_note="x")).trace


def test_else_runs_where_the_condition_does_not_hold() -> None:
    app = sales(
        {
            "when": on("created"),
            "if": {"all": ["stage == 'new'", {"any": ["score > 80", "amount > 1000"]}]},
            "then": [{"action": "set", "values": {"note": "A"}}],
            "else": [{"action": "set", "values": {"note": "B"}}],
        }
    )

    good, poor = early(app, created(deal(f_amount=money(2000)))), early(app, created(deal(f_score=money(80))))

    assert good.effects == (SetFields("t_deal", 7, {"f_note": "A"}),)
    assert poor.effects == (SetFields("t_deal", 7, {"f_note": "B"}),)
    assert [(trace.outcome) for trace in (*good.trace, *poor.trace)] == ["fired", "else"]


def test_early_rules_see_what_the_ones_before_them_set() -> None:
    app = sales(
        {"when": on("created"), "then": [{"action": "set", "values": {"score": "=amount / 10"}}]},
        {"when": on("created"), "if": "score > 80", "then": [{"action": "set", "values": {"note": "hot"}}]},
    )

    answer = early(app, created(deal(f_amount=money(900))))

    assert [effect.values for effect in answer.effects if isinstance(effect, SetFields)] == [
        {"f_score": money(90)},
        {"f_note": "hot"},
    ]


def test_refusing_names_the_field_and_speaks_both_languages() -> None:
    message = {"en": "{{name}} is too cheap", "zh": "{{name}} 太便宜"}
    rule = {"if": "amount < 10", "then": [{"action": "refuse", "field": "amount", "message": message}]}
    app = sales({"when": on("updated"), **rule})

    answer = early(app, updated(deal(), f_amount=money(5)))

    assert answer.effects == (Refuse({"en": "Big one is too cheap", "zh": "Big one 太便宜"}, "f_amount"),)
    assert answer.trace[0].outcome == "refused"


def test_a_deletion_can_be_refused() -> None:
    app = sales({"when": on("deleted"), "if": "stage == 'won'", "then": [{"action": "refuse", "message": "no"}]})

    assert early(app, deleted(deal(f_stage="won"))).effects == (Refuse("no", None),)
    assert early(app, deleted(deal())).effects == ()


def test_old_values_can_be_read() -> None:
    app = sales({"when": on("updated"), "if": "old.amount < amount", "then": [TELL]})

    assert late(app, updated(deal(f_amount=money(1)), f_amount=money(2))).trace
    assert not late(app, updated(deal(f_amount=money(2)), f_amount=money(1))).trace


def test_an_async_rule_becomes_one_job_with_its_effects() -> None:
    app = sales({"when": on("created"), "async": True, "then": [TELL, TELL]})

    (job,) = done(late(app, created(deal())))

    assert isinstance(job, Later)
    assert job.key == "u_0:7:then"
    assert len(job.effects) == 2


def test_of_a_group_only_the_first_that_holds_runs() -> None:
    rules = [
        {"group": "routing", "when": on("created"), "if": condition, "then": [TELL]}
        for condition in ("score > 100", "score > 50", "score > 10")
    ]

    outcome = late(sales(*rules), created(deal(f_score=money(60))))

    assert [trace.rule for trace in outcome.trace] == ["u_1"]


def test_a_disabled_rule_does_not_look() -> None:
    app = sales({"enabled": False, "when": on("created"), "then": [TELL]})

    assert late(app, created(deal())) == Outcome()


def test_a_rule_runs_again_on_a_record_only_when_something_crosses_anew() -> None:
    app = sales(
        {"when": on("updated"), "then": [TELL]},
        {"when": on("updated"), "if": "score > 80", "then": [TELL]},
        {"when": on("changed", field="score"), "then": [TELL]},
    )
    ran = {("u_0", 7): 1, ("u_1", 7): 1, ("u_2", 7): 1}

    still = late(app, updated(deal(f_score=money(90)), f_score=money(95)), ran)
    anew = late(app, updated(deal(f_score=money(10)), f_score=money(95)), ran)

    assert [trace.rule for trace in still.trace] == ["u_2"]
    assert [trace.rule for trace in anew.trace] == ["u_1", "u_2"]


def test_a_rule_that_ran_three_times_is_skipped_and_says_so() -> None:
    app = sales({"when": on("changed", field="score"), "then": [TELL]})

    outcome = late(app, updated(deal(), f_score=money(1)), {("u_0", 7): 3})

    assert outcome.effects == ()
    assert [trace.outcome for trace in outcome.trace] == ["skipped"]


def test_a_rule_as_the_user_says_so() -> None:
    app = sales({"as": "user", "when": on("created"), "then": [TELL]})

    (by,) = late(app, created(deal())).effects

    assert isinstance(by, ByRule)
    assert by.as_user


def test_a_trace_tells_the_value_of_each_term() -> None:
    app = sales({"when": on("updated"), "if": "score > 80 and owner == old.owner", "then": [TELL]})

    (trace,) = late(app, updated(deal(), f_score=money(90))).trace

    assert [(term.text, term.value) for term in trace.terms] == [("score > 80", True), ("owner == old.owner", True)]
    assert trace.terms[0].reads == ((("record", "f_score"), money(90)),)


def test_why_not_names_the_failing_term_and_what_it_read() -> None:
    from engines.rules import RuleTrace, why

    app = sales({"when": on("updated"), "if": "score > 80 and amount > 100", "then": [TELL]})
    event = updated(deal(f_amount=money(50)), f_score=money(90))

    answer = why(app.rules.rules["u_0"], event, facts())

    assert isinstance(answer, RuleTrace)
    assert answer.outcome == "condition_false"
    assert [(term.text, term.reads[0][1]) for term in answer.failing] == [("amount > 100", money(50))]


def test_a_linked_record_that_is_not_known_is_asked_for_and_then_read() -> None:
    from engines.facts import Needs

    app = sales({"when": on("created"), "if": "customer.level == 'A'", "then": [TELL]})
    event = created(deal(f_customer=5))

    lacking = execute(app.rules, event, facts())
    answer = execute(app.rules, event, facts(records={("t_customer", 5): {"id": 5, "f_level": "A"}}))

    assert lacking == Needs(records=frozenset({("t_customer", 5)}))
    assert [trace.outcome for trace in answer.trace] == ["fired"]


def test_owners_of_other_records_do_not_get_mixed_up() -> None:
    app = sales({"when": on("created"), "if": "owner.name == 'Bo'", "then": [TELL]})

    assert late(app, created(deal(owner=BO))).trace
    assert not late(app, created(deal())).trace
