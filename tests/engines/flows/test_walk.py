"""The walk through the tree: conditions, parallels, waits, actions, returns, withdrawals, and the drawn state."""

from datetime import date
from decimal import Decimal

import pytest

from engines.flows import returnable
from metadata.problems import Conflict, Invalid, Refused
from tests.engines.flows.play import ANN, BO, HUI, LI, MAX, approval

BOSS = approval("boss", {"manager_of": "user"})
HR = approval("hr", {"role": "hr"})
LEGAL = approval("legal", {"role": "legal"})
FINANCE = approval("finance", {"role": "finance"})


def set_state(value):
    return {"type": "action", "do": [{"action": "set", "values": {"state": value}}]}


def by_days(*long, otherwise=()):
    return {
        "type": "condition",
        "name": "length",
        "branches": [{"if": "days > 5", "nodes": list(long)}, {"else": True, "nodes": list(otherwise)}],
    }


def both(*branches):
    return {"type": "parallel", "name": "both", "branches": [{"nodes": list(each)} for each in branches]}


def test_the_leave_of_the_definition_sketch_runs(play):
    on_stage = play(BOSS, by_days(HR), set_state("approved"), record={"f_days": Decimal(12)}).start()
    assert on_stage.tasks() == {("boss", BO)}

    on_stage.approve(BO, "boss")
    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}

    on_stage.approve(HUI, "hr")
    assert on_stage.ended == "approved"
    assert on_stage.record["f_state"] == "approved"


def test_the_else_is_taken_when_no_branch_holds_and_a_blank_holds_for_none(play):
    for days in (Decimal(5), None):
        on_stage = play(by_days(HR, otherwise=[FINANCE]), record={"f_days": days}).start()

        assert on_stage.tasks() == {("finance", MAX)}
        assert on_stage.states()["hr"] == "skipped"


def test_a_condition_leaves_the_value_of_its_terms_in_the_trace(play):
    on_stage = play(by_days(HR), record={"f_days": Decimal(12)}).start()

    (looked,) = [entry["looked"] for entry in on_stage.trace if entry["kind"] == "condition" and "looked" in entry]
    assert looked == [{"if": "days > 5", "holds": True, "terms": {"record.f_days": 12}}]


def test_a_parallel_waits_for_all_its_branches_in_any_order(play):
    on_stage = play(both([LEGAL], [FINANCE], []), BOSS).start()
    assert on_stage.tasks() == {("legal", LI), ("finance", MAX)}

    on_stage.approve(MAX, "finance")
    assert on_stage.tasks() == {("legal", LI)}
    assert on_stage.states() | {"both": "doing", "boss": "todo"} == on_stage.states()

    on_stage.approve(LI, "legal")
    assert on_stage.tasks() == {("boss", BO)}


def test_a_rejection_in_one_branch_ends_the_others_too(play):
    on_stage = play(both([LEGAL], [FINANCE])).start().decide(LI, "reject", "legal")

    assert on_stage.ended == "rejected"
    assert on_stage.tasks() == set()
    assert on_stage.states()["finance"] == "skipped"


def test_actions_are_seen_by_the_conditions_that_follow(play):
    set_days = {"type": "action", "do": [{"action": "set", "values": {"days": 9}}]}

    on_stage = play(set_days, by_days(HR), record={"f_days": Decimal(1)}).start()

    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}


def test_actions_in_parallel_branches_are_all_done(play):
    note = {"type": "action", "do": [{"action": "set", "values": {"note": "seen"}}]}
    on_stage = play(both([note, LEGAL], [set_state("submitted")])).start()

    assert on_stage.record["f_note"] == "seen"
    assert on_stage.record["f_state"] == "submitted"
    assert on_stage.tasks() == {("legal", LI)}


def test_submitting_sets_the_state_each_time_and_approval_does_at_the_end(play):
    on_stage = play(
        BOSS,
        on_start=[{"action": "set", "values": {"state": "submitted"}}],
        on_returned=[{"action": "set", "values": {"state": "draft"}}],
        on_approved=[{"action": "set", "values": {"state": "approved"}}],
    ).start()
    assert on_stage.record["f_state"] == "submitted"

    on_stage.decide(BO, "return", "boss")
    assert on_stage.record["f_state"] == "draft"
    assert on_stage.tasks() == {("start", ANN)}

    on_stage.decide(ANN, "resubmit", "start")
    assert on_stage.record["f_state"] == "submitted"
    assert on_stage.tasks() == {("boss", BO)}

    on_stage.approve(BO, "boss")
    assert on_stage.record["f_state"] == "approved"


def test_a_task_returns_to_an_earlier_approval_and_all_after_it_is_decided_again(play):
    on_stage = play(BOSS, HR, FINANCE).start().approve(BO, "boss").approve(LI, "hr")

    on_stage.decide(MAX, "return", "finance", target="boss")

    assert on_stage.tasks() == {("boss", BO)}
    assert on_stage.states() | {"boss": "doing", "hr": "todo", "finance": "todo"} == on_stage.states()
    on_stage.approve(BO, "boss").approve(HUI, "hr").approve(MAX, "finance")
    assert on_stage.ended == "approved"


def test_a_return_out_of_a_parallel_ends_its_other_branches(play):
    on_stage = play(BOSS, both([LEGAL], [FINANCE])).start().approve(BO, "boss")

    on_stage.decide(LI, "return", "legal", target="boss")
    assert on_stage.tasks() == {("boss", BO)}

    on_stage.approve(BO, "boss")
    assert on_stage.tasks() == {("legal", LI), ("finance", MAX)}


def test_a_return_within_a_branch_leaves_the_other_branch_alone(play):
    on_stage = play(both([HR, LEGAL], [FINANCE])).start().approve(HUI, "hr")
    assert on_stage.tasks() == {("legal", LI), ("finance", MAX)}

    on_stage.decide(LI, "return", "legal", target="hr")

    assert on_stage.tasks() == {("hr", HUI), ("hr", LI), ("finance", MAX)}
    on_stage.approve(MAX, "finance").approve(HUI, "hr").approve(LI, "legal")
    assert on_stage.ended == "approved"


@pytest.mark.parametrize("target", ["finance", "legal", "unheard_of"])
def test_a_return_goes_only_to_earlier_approvals_that_were_decided(play, target):
    on_stage = play(BOSS, both([LEGAL], [FINANCE]), HR).start().approve(BO, "boss")

    with pytest.raises(Invalid):
        on_stage.decide(MAX if target == "legal" else LI, "return", "finance" if target == "legal" else "legal", target)


def test_what_may_be_returned_to_is_told(play):
    on_stage = play(BOSS, HR, FINANCE).start().approve(BO, "boss").approve(LI, "hr")

    assert [each.name for each in returnable(on_stage.flow, on_stage.state, "n_finance")] == ["boss", "hr"]


def test_only_the_initiator_withdraws(play):
    on_stage = play(BOSS, on_withdrawn=[{"action": "set", "values": {"state": "draft"}}]).start()
    with pytest.raises(Refused):
        on_stage.withdraw(BO)

    on_stage.withdraw(ANN)

    assert on_stage.ended == "withdrawn"
    assert on_stage.record["f_state"] == "draft"
    with pytest.raises(Conflict):
        on_stage.approve(BO, "boss")


def test_a_flow_without_initiator_cannot_be_returned_to_him(play):
    on_stage = play(HR).start(by=None)

    with pytest.raises(Conflict):
        on_stage.decide(LI, "return", "hr")


def test_a_wait_ends_with_its_time(play):
    on_stage = play({"type": "wait", "name": "pause", "for": "3 days"}, HR).start()
    on_stage.pass_time(days=2)
    assert on_stage.tasks() == set()
    assert on_stage.states()["pause"] == "doing"

    on_stage.pass_time(days=1)

    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}


@pytest.mark.parametrize(("due", "waits"), [(date(2026, 3, 10), True), (date(2026, 3, 1), False), (None, False)])
def test_a_wait_until_a_date_that_is_past_or_blank_holds_nothing_up(play, due, waits):
    on_stage = play({"type": "wait", "until": "due"}, HR, record={"f_due": due}).start()

    assert bool(on_stage.timers) is waits
    assert bool(on_stage.tasks()) is not waits


def test_a_copy_gives_people_something_to_read_and_does_not_wait(play):
    on_stage = play({"type": "cc", "name": "know", "to": {"role": "legal"}}, HR).start()

    assert on_stage.open[("know", LI)] == "cc"
    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}


def test_fifty_steps_without_rest_are_suspected_to_be_a_loop(play):
    nodes = [approval(f"n{i}", {"role": "nobody"}, if_none="skip") for i in range(60)]

    on_stage = play(*nodes).start()

    assert on_stage.state.status == "incident"
    assert "50" in next(iter(on_stage.state.stuck.values()))["en"]


def test_an_incident_in_one_branch_lets_the_other_go_on(play):
    stuck = approval("stuck", {"role": "nobody"})
    on_stage = play(both([stuck], [FINANCE]), HR).start()
    assert on_stage.ended == "incident"
    assert on_stage.tasks() == {("finance", MAX)}

    on_stage.approve(MAX, "finance")
    assert on_stage.state.status == "incident"
    on_stage.with_people(member=BO, roles={"leave": frozenset({"r_nobody"})}).retry().approve(BO, "stuck")

    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}


def test_the_tree_tells_for_each_node_how_far_it_is(play):
    on_stage = play(BOSS, by_days(HR, otherwise=[LEGAL]), FINANCE, record={"f_days": Decimal(9)})
    on_stage.start().approve(BO, "boss")

    assert on_stage.states() == {
        "start": "done",
        "boss": "done",
        "length": "doing",
        "hr": "doing",
        "legal": "skipped",
        "finance": "todo",
    }
