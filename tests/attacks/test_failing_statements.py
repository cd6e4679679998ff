"""Every statement failing in turn, of a save with rows, sums and rules, of a submit, a decision and a publish."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api import publish
from engines.actor import Actor
from runtime import identity, records, transaction
from runtime.db import tables
from runtime.flows import instances
from tests.attacks.conftest import Install, Installation
from tests.breaking import Broken, breaking
from tests.conftest import DIALECTS

STORED = (
    "cause",
    "record_version",
    "stage_span",
    "trace",
    "job",
    "timer",
    "fired",
    "flow_instance",
    "task",
    "decision",
)
ALSO = ("notification", "comment", "counter", "idempotency", "audit", "part", "manifest", "app", "draft", "file")


@pytest.fixture(params=DIALECTS)
def office(request: pytest.FixtureRequest, install: Install) -> Installation:
    made = install(request.param)
    customer = made.create("sam", "customer", "customer", name="Acme")
    made.create("sam", "deal", "opportunity", name="One", customer=str(customer), amount=10, stage="needs")
    made.create("sam", "contract", "contract", customer=str(customer), total=80_000)
    return made


def test_nothing_is_ever_half_done(office: Installation) -> None:
    """Each act is tried with its first statement failing, its second, and so on, until it comes to its end."""

    def save(tx: Any) -> None:  # a rule makes a task and tells people, the customer's pipeline is summed anew
        values = {"stage": "proposal", "amount": 25, "follow_ups": [{"content": "called", "way": "call"}]}
        records.save(tx, office.app, "opportunity", office.records["deal"][1], values, 1)

    def submit(tx: Any) -> None:
        instances.submit(tx, office.app, "contract_approval", "contract", office.records["contract"][1])

    def decide(tx: Any) -> None:
        task = tx.connection.execute(
            sa.select(tables.task).where(tables.task.c.assignee == office.people["dora"], tables.task.c.state == "open")
        ).one()
        instances.decide(tx, office.app, task.id, "approve", task.version)

    for who, act in (("sam", save), ("sam", submit), ("dora", decide)):
        fail_in_turn(office, lambda who=who, act=act: transaction.run(office.services, actor(office, who), act))


def test_a_publish_happens_wholly_or_not_at_all(office: Installation) -> None:
    publish.import_document(office.services, small())
    added = [{"name": "motto", "type": "text", "unique": True}, {"name": "marks", "type": "tags"}]
    rows = {"name": "lines", "type": "subform", "fields": [{"name": "price", "type": "money"}]}
    fail_in_turn(office, lambda: publish.import_document(office.services, small(*added, rows)))


def small(*more: dict[str, Any]) -> dict[str, Any]:
    """An app that is compiled in no time."""
    fields = [{"name": "title", "type": "text"}, *more]
    return {"app": "small", "roles": ["clerk"], "forms": [{"name": "thing", "label": "{{title}}", "fields": fields}]}


def fail_in_turn(office: Installation, act: Callable[[], Any]) -> None:
    before, number = stored(office), 0
    while True:
        number += 1
        with breaking(office.services, number) as seen:
            try:
                act()
            except Broken:
                pass
            else:
                break
        assert stored(office) == before, f"something was left behind at: {seen[-1]}"
    assert number > 8
    assert stored(office) != before


def stored(office: Installation) -> dict[str, Any]:
    """Everything that is stored, table by table; also which columns there are."""
    found: dict[str, Any] = {}
    inspector = sa.inspect(office.services.database.engine)
    names = [name for name in inspector.get_table_names() if re.match(r"a[12]_", name)]
    names += [getattr(tables, each).name for each in (*STORED, *ALSO)]
    with office.services.database.read() as connection:
        for name in names:
            rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"')
            found[name] = (tuple(rows.keys()), sorted(map(repr, rows)))
    return found


def actor(office: Installation, who: str) -> Actor:
    with office.services.database.read() as connection:
        people = office.services.organisations.at(connection, office.services.clock())
    return identity.actor_of(people, office.people[who])
