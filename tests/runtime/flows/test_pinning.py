"""A running instance keeps its flow: publishing changes new instances only, and renames break nothing."""

import pytest
import sqlalchemy as sa

from engines import flows as engine
from engines.events import FlowStarted, TaskDecided
from engines.facts import Needs
from engines.flows import Proceed, State
from metadata.problems import InvalidDefinition
from metadata.text import say
from runtime.db import tables
from runtime.facts import facts_of
from runtime.flows import pinned
from runtime.reading import masked_records


def first_flow(document):
    return document["flows"][0]


def test_a_running_instance_goes_on_as_it_began_and_a_new_one_goes_the_new_way(department):
    old, new = department.contract(10, title="old"), department.contract(10, title="new")
    department.submit(old)

    def without_approval(document):
        first_flow(document)["nodes"] = first_flow(document)["nodes"][1:]

    department.publish(without_approval)
    department.submit(new)

    assert department.state(new) == "approved"
    assert department.state(old) == "submitted"
    assert department.decide("dan") == "approved"


def test_a_field_may_be_renamed_under_a_running_flow(department):
    record = department.contract(80_000)
    department.submit(record)

    def rename(document):
        form = document["forms"][1]
        for each in form["fields"]:
            if each["name"] == "amount":
                each["name"] = "total"
        first_flow(document)["nodes"][1]["branches"][0]["if"] = "total < 50000"
        for entry in document["access"]:
            entry["fields"] = ["total" if each == "amount" else each for each in entry.get("fields", ["*"])]

    department.publish(rename)

    department.decide("dan")
    assert department.nodes("lea") == ["legal"]


def test_a_publish_that_a_running_flow_could_not_survive_is_refused(department):
    department.submit(department.contract())

    def drop_the_amount(document):
        form = document["forms"][1]
        form["fields"] = [each for each in form["fields"] if each["name"] != "amount"]
        first_flow(document)["nodes"] = first_flow(document)["nodes"][:1]
        for entry in document["access"]:
            entry["fields"] = [each for each in entry.get("fields", ["*"]) if each != "amount"]

    with pytest.raises(InvalidDefinition) as refused:
        department.publish(drop_the_amount)
    (problem,) = [each for each in refused.value.problems if each.code == "running_flow_broken"]
    assert "(w_" not in say(problem.message, "en") and "still runs 1 times" in say(problem.message, "en")

    assert department.decide("dan") == "running"


def test_the_recorded_history_of_an_instance_takes_the_same_path_again(department):
    record = department.contract(80_000)
    id = department.submit(record)
    department.decide("dan", "return", comment="again")
    department.decide("sam", "resubmit")
    department.decide("dan")
    department.decide("gus")
    department.decide("lea", values={"verdict": "fine"})

    with department.reading("system") as (tx, app):
        row = tx.connection.execute(sa.select(tables.flow_instance).where(tables.flow_instance.c.id == id)).one()
        decisions = tx.connection.execute(
            sa.select(tables.decision).where(tables.decision.c.instance == id).order_by(tables.decision.c.id)
        ).all()
        flow = pinned.flow_of(tx, app, row)
        values = masked_records(tx, app, "t_contract", [record])[record]
        state = State(instance=id)
        for each in decisions:
            event = (
                FlowStarted(flow.id, flow.form, record, each.member)
                if each.outcome == "submit"
                else TaskDecided(each.task, each.node, each.outcome, each.member)
            )
            proceed = True
            while proceed:
                outcome = engine.execute(flow, state, event, facts_of(tx, app), values)
                assert not isinstance(outcome, Needs)
                state, event, proceed = outcome.state, Proceed(), outcome.proceed

    stored = State.from_json(row.position)
    assert state.status == stored.status == "approved"
    assert {node: mark["state"] for node, mark in state.marks.items()} == {
        node: mark["state"] for node, mark in stored.marks.items()
    }
