"""Flows in the database: a contract goes its way, and what people see, decide and may change meanwhile."""

import pytest
import sqlalchemy as sa

from metadata.problems import Conflict, Invalid, NotFound, Refused
from runtime import organisation, reading, records
from runtime.db import tables
from runtime.flows import instances, progress, task_access, tasks
from runtime.flows.task_view import app_of_task, task_view
from runtime.organisation import members


def test_a_large_contract_goes_to_the_director_then_to_legal_and_the_general_manager_at_once(department):
    record = department.contract(80_000)
    id = department.submit(record)
    assert department.state(record) == "submitted"
    assert department.nodes("dan") == ["director"]

    department.decide("dan")
    assert department.nodes("lea") == ["legal"]
    assert department.nodes("gus") == ["chief"]

    department.decide("lea", values={"verdict": "fine"})
    assert department.progress("sam", id).state == "running"
    assert department.decide("gus") == "approved"
    assert department.state(record) == "approved"
    assert department.orders() == ["one"]


def test_a_small_contract_needs_the_director_alone(department):
    record = department.contract(30_000)
    department.submit(record)

    assert department.decide("dan") == "approved"

    assert department.state(record) == "approved"


def test_what_an_approval_sets_off_happens_with_it_or_not_at_all(department):
    department.submit(first := department.contract(10, title="same"))
    department.decide("dan")
    department.submit(second := department.contract(10, title="same"))

    with pytest.raises(Invalid):
        department.decide("dan")  # the order's title is taken

    assert department.state(first) == "approved"
    assert department.state(second) == "submitted"
    assert department.nodes("dan") == ["director"]
    assert department.count(tables.decision, tables.decision.c.outcome == "approve") == 1


def test_a_second_decision_hears_who_decided_when_and_how(department):
    department.submit(department.contract())
    task = department.task("dan")
    department.decide("dan")

    with pytest.raises(Conflict) as refusal:
        department.run("dan", lambda tx, app: instances.decide(tx, app, task.id, "reject", task.version))

    assert refusal.value.code == "already_decided"
    assert refusal.value.extra["by"]["name"] == "dan"
    assert refusal.value.extra["outcome"] == "approve"
    assert refusal.value.extra["at"] is not None


def test_a_decision_needs_the_version_of_the_task(department):
    department.submit(department.contract())

    with pytest.raises(Conflict) as missing:
        department.decide("dan", version=None)
    with pytest.raises(Conflict) as stale:
        department.decide("dan", version=7)

    assert missing.value.status == 428
    assert stale.value.status == 412


def test_a_task_of_somebody_else_does_not_exist(department):
    department.submit(department.contract())
    task = department.task("dan")

    with pytest.raises(NotFound):
        department.run("lea", lambda tx, app: instances.decide(tx, app, task.id, "approve", task.version))
    with pytest.raises(NotFound), department.reading("lea") as (tx, _):
        app_of_task(tx, task.id)


def test_who_lost_his_role_no_longer_decides(department):
    department.submit(department.contract())
    department.run(
        "system", lambda tx, app: organisation.withdraw_role(tx, "deals", "r_director", department.people["dan"])
    )

    with pytest.raises(Refused) as refusal:
        department.decide("dan")

    assert refusal.value.code == "right_lost"
    assert len(department.todo("dan")) == 1


def test_the_task_of_somebody_who_left_becomes_an_incident_where_nobody_else_can_decide(department):
    id = department.submit(department.contract(10))
    department.run("system", lambda tx, app: members.change(tx, department.people["dan"], active=False))

    assert instances.release_leavers(department.services) == 1
    assert instances.release_leavers(department.services) == 0
    assert department.progress("sam", id).state == "incident"

    department.run(
        "system", lambda tx, app: organisation.grant_role(tx, "deals", "r_director", department.people["eve"])
    )
    department.run("system", lambda tx, app: instances.retry(tx, app, id))
    assert department.decide("eve") == "approved"


def test_the_initiator_is_told_how_it_ended(department):
    department.submit(department.contract(10))
    department.decide("dan")

    assert department.count(tables.notification, tables.notification.c.member == department.people["sam"]) == 1


# --- the lock ---


def test_the_record_is_locked_while_it_is_decided_and_the_answer_says_who_has_it(department):
    record = department.contract()
    department.submit(record)

    with pytest.raises(Conflict) as refusal:
        department.change("sam", record, amount=1)

    assert refusal.value.status == 423
    assert "dan" in str(refusal.value)
    assert refusal.value.extra["waits_for"] == ["dan"]
    with pytest.raises(Conflict):
        department.run("sam", lambda tx, app: records.delete(tx, app, "contract", record, check_version=False))


def test_the_holder_of_a_task_may_change_what_its_node_lists_and_nothing_else(department):
    record = department.contract()
    department.submit(record)
    department.decide("dan")

    department.change("lea", record, clause="penalty")
    assert department.sees("system", "contract", record)["clause"] == "penalty"

    with pytest.raises((Conflict, Refused, Invalid)):
        department.change("lea", record, amount=1)
    with pytest.raises((Conflict, Refused, Invalid, NotFound)):
        department.change("gus", record, clause="none")


def test_the_lock_ends_with_the_flow(department):
    record = department.contract()
    id = department.submit(record)
    department.run("sam", lambda tx, app: instances.withdraw(tx, app, id))

    department.change("sam", record, amount=1)

    assert department.state(record) == "draft"


# --- what a task shows ---


def test_a_task_lets_its_holder_read_the_record_and_what_the_node_names_as_long_as_it_is_open(department):
    customer = department.run(
        "sam", lambda tx, app: records.save(tx, app, "customer", None, {"name": "ACME", "secret": "s"})
    ).id
    record = department.contract(margin=7, customer=str(customer))
    other = department.contract(title="other")
    department.submit(record)
    with pytest.raises(NotFound):
        department.sees("lea", "contract", record)

    department.decide("dan")
    seen = department.sees("lea", "contract", record)
    assert seen["title"] == "one"
    assert "margin" not in seen
    with department.reading("lea") as (tx, app):
        assert records.history_of(tx, app, "contract", record)
    assert department.sees("lea", "customer", customer)["name"] == "ACME"
    with pytest.raises(NotFound):
        department.sees("lea", "contract", other)

    department.decide("lea", values={"verdict": "ok"})
    with pytest.raises(NotFound):
        department.sees("lea", "contract", record)
    with pytest.raises(NotFound):
        department.sees("lea", "customer", customer)


def test_a_mask_stays_a_mask_where_the_node_says_nothing_about_fields(department):
    record = department.contract(margin=7)
    department.submit(record, "slow")
    department.pass_time(days=3, hours=1)

    seen = department.sees("fay", "contract", record)

    assert seen["amount"] == 80_000
    assert "margin" not in seen


def test_a_hidden_field_can_neither_be_filtered_by_nor_written(department):
    record = department.contract(margin=7)
    department.submit(record)
    department.decide("dan")

    with department.reading("lea") as (tx, app), pytest.raises((Invalid, NotFound)):
        reading.list_records(tx, app, "contract", reading.ListQuery(filter="margin > 1"))
    with pytest.raises((Invalid, Refused)):
        department.decide("lea", values={"verdict": "ok", "margin": 1})


def test_what_a_node_requires_must_be_filled_in_before_it_is_approved(department):
    department.submit(department.contract())
    department.decide("dan")

    with pytest.raises(Invalid) as refusal:
        department.decide("lea")

    (problem,) = refusal.value.problems
    assert str(problem.path) == "/values/verdict"
    assert department.decide("lea", values={"verdict": "no"}, outcome="reject") == "rejected"


def test_the_task_view_says_how_each_field_shows_and_where_it_may_be_returned_to(department):
    record = department.contract(margin=7)
    department.submit(record)
    department.decide("dan")

    with department.reading("lea") as (tx, app):
        view = task_view(tx, app, department.task("lea").id)

    modes = {app.forms["t_contract"].fields[id].name: mode for id, mode in view.modes.items()}
    assert modes == {
        "title": "read",
        "amount": "read",
        "customer": "read",
        "clause": "write",
        "verdict": "required",
        "state": "read",
    }
    assert [id for id, _ in view.targets] == ["initiator", "n_director"]
    assert "approve" in view.operations


# --- going back, taking back ---


def test_a_returned_contract_is_changed_and_submitted_again_by_its_initiator(department):
    record = department.contract(80_000)
    department.submit(record)
    department.decide("dan", "return", comment="too much")
    assert department.state(record) == "draft"

    department.change("sam", record, amount=20_000)
    department.decide("sam", "resubmit")
    assert department.state(record) == "submitted"

    assert department.decide("dan") == "approved"


def test_a_return_to_an_earlier_node_closes_what_is_open_elsewhere(department):
    department.submit(department.contract())
    department.decide("dan")

    department.decide("lea", "return", target="n_director")

    assert department.nodes("dan") == ["director"]
    assert department.nodes("gus") == []


def test_only_the_initiator_withdraws_and_others_do_not_even_learn_of_the_flow(department):
    id = department.submit(department.contract())

    with pytest.raises(NotFound):
        department.run("dan", lambda tx, app: instances.withdraw(tx, app, id))
    assert department.run("sam", lambda tx, app: instances.withdraw(tx, app, id, "mistake")) == "withdrawn"
    assert department.nodes("dan") == []
    with pytest.raises(Conflict):
        department.run("sam", lambda tx, app: instances.withdraw(tx, app, id))


def test_a_decision_about_a_record_that_changed_since_is_refused(department):
    record = department.contract()
    department.submit(record)
    department.decide("dan")
    with department.reading("gus") as (tx, app):
        seen = task_view(tx, app, department.task("gus").id).shown.version
    department.change("lea", record, clause="new")

    with pytest.raises(Conflict) as refusal:
        department.decide("gus", record_version=seen)

    assert refusal.value.code == "record_changed"
    assert refusal.value.extra["changed_fields"] == ["clause"]
    department.decide("gus", record_version=refusal.value.extra["current_version"])


# --- starting ---


def test_the_first_flow_that_is_meant_for_the_record_is_started(department):
    special, normal = department.contract(title="special"), department.contract(title="plain")

    with department.reading("sam") as (tx, app):
        offered = [
            [flow.name for flow in instances.startable(tx, app, "t_contract", each)] for each in (special, normal)
        ]

    assert offered == [["board", "slow"], ["contract", "slow"]]
    with pytest.raises(Conflict):
        department.submit(normal, "board")


def test_a_flow_runs_once_on_a_record_but_two_flows_may_run(department):
    record = department.contract()
    department.submit(record)

    with pytest.raises(Conflict) as refusal:
        department.submit(record)
    assert refusal.value.code == "already_running"
    assert (
        department.run("system", lambda tx, app: instances.start(tx, app, "w_contract", "t_contract", record)) is None
    )
    department.submit(record, "slow")
    with department.reading("sam") as (tx, app):
        assert len(task_access.running(tx, app, "t_contract", record)) == 2


def test_a_rule_starts_a_flow_for_whoever_set_it_off(department):
    record = department.contract(10)

    department.change("sam", record, margin=-1)

    (running,) = department.instances("sam", record)
    assert running.flow == "loss"
    assert running.initiator.name == "sam"
    assert department.nodes("dan") == ["loss"]
    with pytest.raises(Conflict):
        department.change("sam", record, margin=1)
    with pytest.raises(Conflict):
        department.submit(record, "loss")


def test_starting_is_a_right_on_the_very_record(department):
    record = department.contract()

    with pytest.raises(NotFound):
        department.submit(record, who="eve")
    with pytest.raises(Refused):
        department.submit(record, who="dan")


# --- quorum, time, incidents ---


def test_the_second_of_three_votes_decides_and_the_third_comes_too_late(department):
    department.submit(department.contract(title="special"))
    late = department.task("gus")

    department.decide("dan")
    department.decide("lea")

    with pytest.raises(Conflict) as refusal:
        department.run("gus", lambda tx, app: instances.decide(tx, app, late.id, "approve", late.version))
    assert refusal.value.code == "node_closed"
    assert department.nodes("fay") == ["cash"]


def test_a_wait_and_a_time_limit_come_with_the_clock(department):
    record = department.contract()
    department.submit(record, "slow")
    department.pass_time(days=2)
    assert department.nodes("fay") == []

    department.pass_time(days=1, hours=1)
    assert department.nodes("fay") == ["late"]
    assert department.todo("fay")[0].due_at is not None

    department.pass_time(days=2, hours=1)
    assert department.nodes("fay") == []
    assert department.state(record) == "approved"
    assert department.count(tables.timer) == 0


def test_a_copy_is_for_reading_until_it_is_read(department):
    record = department.contract()
    department.submit(record, "slow")
    department.pass_time(days=3, hours=1)
    department.decide("fay")
    assert department.state(record) == "approved"
    with department.reading("lea") as (tx, _):
        (copy,) = tasks.tasks(tx, "copies").items
    assert department.todo("lea") == ()
    assert department.sees("lea", "contract", record)["title"] == "one"

    department.run("lea", lambda tx, app: instances.decide(tx, app, copy.id, "read", copy.version))

    with pytest.raises(NotFound):
        department.sees("lea", "contract", record)


def test_a_flow_without_anybody_to_decide_is_seen_as_an_incident_and_goes_on_when_retried(department):
    department.run(
        "system", lambda tx, app: organisation.withdraw_role(tx, "deals", "r_director", department.people["dan"])
    )
    id = department.submit(department.contract())

    with department.reading("system") as (tx, app):
        (stuck,) = progress.incidents(tx, app)
    assert stuck.id == id
    assert stuck.incidents[0][1]

    department.run(
        "system", lambda tx, app: organisation.grant_role(tx, "deals", "r_director", department.people["eve"])
    )
    assert department.run("system", lambda tx, app: instances.retry(tx, app, id)) == "running"
    assert department.nodes("eve") == ["director"]


# --- what is seen of it ---


def test_the_progress_says_who_has_it_since_when_and_what_comes_next(department):
    record = department.contract()
    id = department.submit(record)
    department.decide("dan", comment="good")

    seen = department.progress("sam", id)

    assert sorted(each.person.name for each in seen.waiting) == ["gus", "lea"]
    assert [(each.person.name, each.outcome, each.comment) for each in seen.said] == [
        ("sam", "submit", ""),
        ("dan", "approve", "good"),
    ]
    assert seen.may_withdraw
    assert [box["state"] for box in seen.boxes] == ["done", "done", "doing", "todo"]
    assert seen.boxes[1]["people"][0]["name"] == "dan"
    with pytest.raises(NotFound):
        department.progress("eve", id)


def test_every_box_of_tasks_holds_what_its_name_says(department):
    record = department.contract()
    id = department.submit(record)
    department.decide("dan")

    def box(name, which):
        with department.reading(name) as (tx, _):
            return [(each.label, each.state) for each in tasks.tasks(tx, which).items]

    assert box("dan", "done") == [("one", "done")]
    assert box("lea", "todo") == [("one", "open")]
    assert box("sam", "started") == [("one", "open")]
    assert box("sam", "todo") == []
    with department.reading("sam") as (tx, app):
        assert [each.id for each in progress.instances_of(tx, app, "t_contract", record)] == [id]


def test_a_remark_decides_nothing(department):
    id = department.submit(department.contract())
    task = department.task("dan")

    department.run("dan", lambda tx, app: instances.remark(tx, app, task.id, "why so much?"))

    assert department.progress("sam", id).said[-1].comment == "why so much?"
    assert department.task("dan").version == task.version


def test_what_the_flow_looked_at_is_traced(department):
    department.submit(department.contract())
    department.decide("dan")

    with department.services.database.read() as connection:
        rows = connection.execute(sa.select(tables.trace).where(tables.trace.c.rule == "w_contract")).all()

    looked = [term for row in rows for term in dict(row.detail["$map"])["terms"]["$list"]]
    assert looked
