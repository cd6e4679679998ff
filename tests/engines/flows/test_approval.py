"""Approvals: who decides, how many must agree, and what happens when nobody is there or nobody acts."""

import pytest

from metadata.problems import Conflict, Refused
from tests.engines.flows.play import ANN, BO, EVE, HUI, LI, MAX, approval

HR = {"role": "hr"}


def test_one_approval_is_enough_where_any_decides(play):
    on_stage = play(approval("hr", HR)).start()
    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}

    on_stage.approve(LI, "hr")

    assert on_stage.ended == "approved"
    assert on_stage.tasks() == set()


def test_all_must_approve_where_all_decide(play):
    on_stage = play(approval("hr", HR, mode="all")).start().approve(HUI, "hr")
    assert on_stage.ended is None
    assert on_stage.tasks() == {("hr", LI)}

    on_stage.approve(LI, "hr")

    assert on_stage.ended == "approved"


def test_in_sequence_the_next_is_asked_when_the_one_before_has_approved(play):
    on_stage = play(approval("chain", [{"role": "legal"}, {"role": "finance"}], mode="sequential")).start()
    assert on_stage.tasks() == {("chain", LI)}

    on_stage.approve(LI, "chain")
    assert on_stage.tasks() == {("chain", MAX)}

    on_stage.approve(MAX, "chain")
    assert on_stage.ended == "approved"


def test_a_quorum_of_two_among_three_lets_the_third_off(play):
    three = [{"role": "hr"}, {"role": "finance"}]
    on_stage = play(approval("board", three, quorum=2)).start()
    assert on_stage.tasks() == {("board", HUI), ("board", LI), ("board", MAX)}

    on_stage.approve(MAX, "board").approve(HUI, "board")

    assert on_stage.ended == "approved"
    assert on_stage.tasks() == set()


def test_the_first_rejection_ends_the_flow_and_does_what_the_flow_says(play):
    on_stage = play(
        approval("hr", HR, mode="all"),
        on_rejected=[{"action": "set", "values": {"state": "rejected"}}],
    ).start()

    on_stage.decide(LI, "reject", "hr")

    assert on_stage.ended == "rejected"
    assert on_stage.record["f_state"] == "rejected"
    assert on_stage.tasks() == set()


def test_who_is_named_twice_gets_one_task(play):
    on_stage = play(approval("both", [{"role": "hr"}, {"role": "legal"}, "=user.manager"], mode="all")).start()

    assert on_stage.tasks() == {("both", HUI), ("both", LI), ("both", BO)}


@pytest.mark.parametrize(
    ("approvers", "expected"),
    [
        ({"manager_of": "applicant"}, {BO}),
        ({"manager_of": "initiator"}, {BO}),
        ({"head_of": "department"}, {BO}),
        ({"head_of": "user.department"}, {BO}),
        ({"field": "helpers"}, {HUI, MAX}),
        ({"member": "Max@example.com"}, {MAX}),
        ("=applicant.manager", {BO}),
        ({"role": "hr", "of": "department"}, set()),
        ({"role": "finance", "of": "department"}, {MAX}),
    ],
)
def test_approvers_are_found_in_many_ways(play, approvers, expected):
    node = approval("one", approvers, if_none="skip")
    on_stage = play(node, record={"f_helpers": (HUI, MAX, EVE)}).start()

    assert {member for _, member in on_stage.tasks()} == expected


def test_without_anybody_the_flow_stops_as_an_incident_that_can_be_retried(play):
    on_stage = play(approval("finance", {"manager_of": "user"})).with_people(member=BO, active=False).start()
    assert on_stage.ended == "incident"
    assert on_stage.state.status == "incident"
    assert on_stage.states()["finance"] == "stuck"

    on_stage.with_people(member=BO, active=True).retry()

    assert on_stage.state.status == "running"
    assert on_stage.tasks() == {("finance", BO)}


def test_without_anybody_the_node_is_skipped_or_falls_to_a_role_where_it_says_so(play):
    skipped = play(approval("empty", {"role": "nobody"}, if_none="skip")).start()
    assert skipped.ended == "approved"

    fallen = play(approval("empty", {"role": "nobody"}, if_none={"role": "hr"})).start()
    assert fallen.tasks() == {("empty", HUI), ("empty", LI)}


def test_nobody_decides_on_his_own_request_unless_the_node_allows_it(play):
    refused = play(approval("boss", {"manager_of": "user"}, if_none={"role": "hr"})).start(by=HUI)
    assert refused.tasks() == {("boss", MAX)}

    own = play(approval("hr", HR)).start(by=HUI)
    assert own.tasks() == {("hr", LI)}
    with pytest.raises(Conflict):
        own.approve(HUI, "hr")

    allowed = play(approval("hr", HR, own_request="allow")).start(by=HUI)
    assert allowed.tasks() == {("hr", HUI), ("hr", LI)}

    by_manager = play(approval("hr", HR, own_request="manager")).start(by=HUI)
    assert by_manager.tasks() == {("hr", LI), ("hr", MAX)}


def test_an_escalation_never_gives_the_initiator_his_own_request(play):
    on_stage = play(
        approval("hr", {"field": "helpers"}, limit={"after": "2 days", "then": "escalate"}),
        record={"f_helpers": (ANN,)},
    ).start(by=BO)

    on_stage.pass_time(days=3)

    assert on_stage.tasks() == {("hr", ANN)}


def test_a_late_vote_finds_the_node_closed(play):
    on_stage = play(approval("hr", HR), approval("finance", {"role": "finance"})).start().approve(LI, "hr")

    with pytest.raises(Conflict) as refusal:
        on_stage.approve(HUI, "hr")

    assert refusal.value.code == "node_closed"


@pytest.mark.parametrize(
    ("then", "tasks", "ended"),
    [
        ("remind", {("boss", BO)}, None),
        ("escalate", {("boss", MAX)}, None),
        ("approve", set(), "approved"),
        ("reject", set(), "rejected"),
    ],
)
def test_a_time_limit_does_what_the_node_says(play, then, tasks, ended):
    on_stage = play(approval("boss", {"manager_of": "user"}, limit={"after": "2 days", "then": then})).start()
    on_stage.pass_time(days=1)
    assert on_stage.tasks() == {("boss", BO)}

    on_stage.pass_time(days=1, hours=1)

    assert on_stage.tasks() == tasks
    assert on_stage.ended == ended


def test_a_decision_in_time_cancels_the_time_limit(play):
    node = approval("boss", {"manager_of": "user"}, limit={"after": "2 days", "then": "reject"})
    on_stage = play(node, approval("hr", HR)).start().approve(BO, "boss")

    on_stage.pass_time(days=5)

    assert on_stage.timers == {}
    assert on_stage.tasks() == {("hr", HUI), ("hr", LI)}


def test_the_right_is_checked_when_the_decision_is_made(play):
    on_stage = play(approval("hr", HR)).start()

    with pytest.raises((Conflict, Refused)):
        on_stage.approve(BO, "hr")


def test_others_decide_without_somebody_who_left(play):
    on_stage = play(approval("hr", HR, mode="all")).start().approve(HUI, "hr")

    on_stage.leave(LI, "hr")

    assert on_stage.ended == "approved"


def test_in_sequence_the_next_takes_over_from_somebody_who_left(play):
    on_stage = play(approval("chain", [{"role": "legal"}, {"role": "finance"}], mode="sequential")).start()

    on_stage.leave(LI, "chain")

    assert on_stage.tasks() == {("chain", MAX)}


def test_the_fallback_decides_where_the_last_one_left(play):
    on_stage = play(approval("boss", {"manager_of": "user"}, if_none={"role": "hr"})).start()

    on_stage.leave(BO, "boss")

    assert on_stage.tasks() == {("boss", HUI), ("boss", LI)}


def test_who_lost_the_role_by_which_he_was_asked_no_longer_decides(play):
    on_stage = play(approval("hr", HR)).start().with_people(member=LI, roles={})

    with pytest.raises(Refused):
        on_stage.approve(LI, "hr")
    assert on_stage.approve(HUI, "hr").ended == "approved"
