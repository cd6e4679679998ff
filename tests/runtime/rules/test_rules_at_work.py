"""Rules in the door: what a save sets off, on both databases."""

from typing import Any

import pytest
from sqlalchemy import func, select

from metadata.problems import Invalid, LimitExceeded
from runtime.db import tables
from runtime.services import Services
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import open_trading


def on(trigger: str, **options: Any) -> dict[str, Any]:
    return {"trigger": trigger, "form": "deal", **options}


def test_an_early_rule_sets_a_field_before_the_write(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services,
        clock,
        {"when": on("created"), "if": "amount > 100", "then": [{"action": "set", "values": {"note": "big"}}]},
    )

    deal = office.save(name="A", amount=200)

    assert office.record(deal)["f_note"] == "big"
    assert office.record(deal)["version"] == 1
    assert office.traces() == [("u_0", "fired")]


def test_a_refusal_leaves_nothing_but_its_trace(services: Services, clock: MovedClock) -> None:
    refuse = {"action": "refuse", "field": "amount", "message": {"en": "too cheap", "zh": "太便宜"}}
    office = open_trading(services, clock, {"when": on("created"), "if": "amount < 10", "then": [refuse]})

    with pytest.raises(Invalid) as refused:
        office.save(name="A", amount=5)

    assert [str(problem.path) for problem in refused.value.problems] == ["/values/amount"]
    with services.database.read() as connection:
        count = connection.scalar(select(func.count()).select_from(office.app.forms["t_deal"].table))
    assert count == 0
    assert office.traces() == [("u_0", "refused")]


def test_late_actions_create_update_and_assign_in_the_same_transaction(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services,
        clock,
        {
            "when": on("changed", field="stage", to="won"),
            "then": [
                {"action": "create", "form": "visit", "values": {"deal": "=id", "what": "thank {{customer.name}}"}},
                {"action": "update", "form": "customer", "record": "=customer", "values": {"level": "A"}},
                {"action": "assign", "to": "=manager_of(owner)"},
            ],
        },
    )
    customer = office.save("customer", name="Acme")
    deal = office.save(name="A", customer=str(customer))
    office.save(id=deal, stage="won")

    visits = office.app.forms["t_visit"].table
    with services.database.read() as connection:
        visit = connection.execute(select(visits)).one()
        causes = connection.scalars(
            select(tables.record_version.c.cause).where(tables.record_version.c.op != "derived").distinct()
        ).all()
    assert (visit.f_what, visit.f_deal) == ("thank Acme", deal)
    assert office.record(customer, "customer")["f_level"] == "A"
    assert office.record(deal)["owner"] == office.people["chef"]
    assert len(causes) == 3


def test_an_update_finds_what_only_the_rows_behind_two_links_tell(services: Services, clock: MovedClock) -> None:
    where = "sum(deal.plan.sum) > 10 and deal.customer.name == 'Acme'"
    change = {"action": "update", "form": "visit", "where": where, "values": {"what": "prepare"}}
    office = open_trading(services, clock, {"when": on("changed", field="stage", to="won"), "then": [change]})
    customer = office.save("customer", name="Acme")
    large = office.save(name="A", customer=str(customer), plan=[{"sum": 8}, {"sum": 7}])
    small = office.save(name="B", customer=str(customer), plan=[{"sum": 8}])
    visits = [office.save("visit", deal=str(each)) for each in (large, small, large)]

    office.save(id=small, stage="won")

    assert [office.record(each, "visit")["f_what"] for each in visits] == ["prepare", None, "prepare"]


def test_taking_turns_goes_round(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services, clock, {"when": on("created"), "then": [{"action": "assign", "to": {"role": "seller"}}]}
    )

    owners = [office.record(office.save(name="A", by="ann"))["owner"] for _ in range(4)]

    ann, bo = office.people["ann"], office.people["bo"]
    assert owners == [ann, bo, ann, bo]


def test_a_failing_late_action_undoes_the_save_and_names_its_rule(services: Services, clock: MovedClock) -> None:
    tell = {"action": "notify", "to": "=owner", "text": "x"}
    office = open_trading(
        services,
        clock,
        {"name": "spread", "when": on("created"), "then": [tell, {"action": "create", "form": "visit", "values": {}}]},
        {
            "name": "veto",
            "when": {"trigger": "created", "form": "visit"},
            "then": [{"action": "refuse", "message": "no visits"}],
        },
    )

    with pytest.raises(Invalid) as refused:
        office.save(name="A")

    assert "no visits" in str(refused.value)
    assert office.inbox("ann") == []
    with services.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(office.app.forms["t_deal"].table)) == 0


def test_an_async_rule_fails_alone(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services,
        clock,
        {"when": on("created"), "async": True, "then": [{"action": "create", "form": "visit", "values": {}}]},
        {"when": {"trigger": "created", "form": "visit"}, "then": [{"action": "refuse", "message": "no visits"}]},
    )

    deal = office.save(name="A")

    assert office.record(deal)["f_name"] == "A"
    with services.database.read() as connection:
        (job,) = connection.execute(select(tables.job)).all()
    assert (job.state, job.attempt) == ("queued", 1)
    assert "no visits" in job.last_error


def test_a_rule_in_user_mode_may_do_what_the_user_may_now_and_later(services: Services, clock: MovedClock) -> None:
    then = [{"action": "create", "form": "visit", "values": {"what": "as the user"}}]
    access = [{"role": "seller", "form": "deal", "may": ["create", "read", "update"]}]
    now = {"as": "user", "when": on("created"), "if": "name == 'now'", "then": then}
    later = {"as": "user", "async": True, "when": on("created"), "if": "name == 'later'", "then": then}
    office = open_trading(services, clock, now, later, access=access)

    with pytest.raises(Invalid, match="could not be carried out"):
        office.save(name="now")
    office.save(name="later")

    with services.database.read() as connection:
        (job,) = connection.execute(select(tables.job)).all()
        visits = connection.scalar(select(func.count()).select_from(office.app.forms["t_visit"].table))
    assert (job.state, visits) == ("queued", 0)
    assert job.payload["member"] == office.people["ann"]


def test_two_records_that_set_each_other_off_end_with_the_chain_in_the_message(
    services: Services, clock: MovedClock
) -> None:
    office = open_trading(
        services,
        clock,
        {
            "name": "ping",
            "when": on("created"),
            "then": [{"action": "create", "form": "visit", "values": {"what": "x"}}],
        },
        {
            "name": "pong",
            "when": {"trigger": "created", "form": "visit"},
            "then": [{"action": "create", "form": "deal", "values": {"name": "x"}}],
        },
    )

    with pytest.raises(LimitExceeded) as refused:
        office.save(name="A")

    assert "ping → pong → ping" in str(refused.value)


def test_messages_come_in_the_language_of_their_reader(services: Services, clock: MovedClock) -> None:
    text = {"en": "{{name}} is here", "zh": "{{name}} 来了"}
    office = open_trading(
        services,
        clock,
        {
            "when": on("created"),
            "then": [
                {"action": "notify", "to": {"role": "seller"}, "text": text},
                {"action": "mail", "to": {"role": "seller"}, "subject": text, "text": text},
            ],
        },
    )

    office.save(name="Big")

    assert office.inbox("bo") == ["Big 来了"]
    assert sorted(mail["to"] for mail in office.mails) == ["ann@example.com", "bo@example.com"]


def test_a_moved_total_sets_off_the_rules_of_its_parent(services: Services, clock: MovedClock) -> None:
    office = open_trading(
        services,
        clock,
        {
            "when": on("rollup_changed", field="visits"),
            "then": [{"action": "notify", "to": "=owner", "text": "{{visits}}"}],
        },
        {
            "when": on("rollup_changed"),
            "if": "visits >= 2 and old.visits < 2",
            "then": [{"action": "set", "values": {"note": "warm"}}],
        },
    )
    deal = office.save(name="A")

    office.save("visit", deal=str(deal))
    first = office.record(deal)
    office.save("visit", deal=str(deal))

    assert (first["f_note"], office.record(deal)["f_note"]) == (None, "warm")
    assert office.inbox("ann") == ["1", "2"]


def test_a_dry_run_replaces_the_gate_and_nothing_happens(services: Services, clock: MovedClock) -> None:
    from engines.effects import CreateRecord, Notify
    from runtime import effects, transaction

    office = open_trading(services, clock)
    asked: list[Any] = []

    with transaction.begin(services, office.actor("ann")) as tx:
        tx.notes["gate"] = lambda tx, app, effect: asked.append(effect)
        effects.perform(tx, office.app, [Notify((office.people["ann"],), "x"), CreateRecord("t_deal", {})])

    assert len(asked) == 2
    assert office.inbox("ann") == []


def test_every_effect_has_its_performer() -> None:
    import typing

    from engines.effects import Effect
    from runtime.effects import PERFORMERS

    assert set(typing.get_args(Effect)) == set(PERFORMERS)
