"""A package that is gone takes nothing with it: fields are raw, rules rest, flows wait, and all of it comes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from builder_api.preparing import prepare
from builder_api.publish import import_document
from engines.actor import system
from engines.effects import SetTimer
from engines.events import TimerFired
from engines.expressions.function_kind import FunctionKind
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeEvent, NodeType, Step, Token, Visit, go_on, wait
from metadata import registry
from metadata.expressions import Node, building
from metadata.expressions.signatures import Parameter
from metadata.kinds import Kinds
from metadata.problems import Invalid
from metadata.value_types import number
from runtime import jobs, organisation, plugins, reading, records, reports
from runtime.db import tables
from runtime.db.engine import Database
from runtime.flows import instances
from runtime.identity import passwords
from runtime.jobs import timers
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import read, run
from tests.test_one_file import GARDEN, PASSWORD, kinds

__all__ = ["kinds"]

RULES = "/apps/garden/build?tab=rules"
Open = Callable[[Kinds], Services]


@pytest.fixture
def open_with(database: Database, database_url: str, tmp_path: Path) -> Open:
    """The installation, started with these kinds."""

    def start(kinds: Kinds) -> Services:
        services = Services(Settings(_env_file=None, data_dir=tmp_path, database_url=database_url), database)
        services.kinds = kinds
        return services

    return start


@pytest.fixture
def bare() -> Kinds:
    return plugins.built_in().freeze()


@pytest.fixture
def rose(open_with: Open, kinds: Kinds) -> int:
    """A rose, planted while everything was installed."""
    services = open_with(kinds)
    import_document(services, GARDEN)
    return _save(services, None, {"name": "Rose", "sky": "☀", "leaves": 1})


def test_the_app_serves_and_its_values_are_read_only(open_with: Open, bare: Kinds, rose: int) -> None:
    services = open_with(bare)

    _save(services, rose, {"name": "Old rose"})

    assert _value(services, rose, "sky") == "☀"
    assert _value(services, rose, "name") == "Old rose"
    with read(services, system("test")) as tx:
        app = services.apps.live(tx, "garden")
        assert reading.count_records(tx, app, "plant", reading.ListQuery(filter="sky == '☀'")) == 1
    with pytest.raises(Exception) as refused:
        _save(services, rose, {"sky": "☂"})
    assert refused.value.problems[0].code == "read_only"  # type: ignore[attr-defined]


def test_a_rule_of_a_missing_kind_rests(open_with: Open, kinds: Kinds, bare: Kinds, rose: int) -> None:
    services = open_with(bare)

    planted = _save(services, None, {"name": "Tulip"})

    assert _value(services, planted, "note") is None
    assert _value(open_with(kinds), rose, "note") == "watered"


def test_a_report_with_a_missing_chart_is_a_table(open_with: Open, bare: Kinds, rose: int) -> None:
    services = open_with(bare)
    with read(services, system("test")) as tx:
        answer = reports.run(tx, services.apps.live(tx, "garden"), "skies", {})

    assert [row.values["plants"] for row in answer.result.rows] == [1]


def test_a_flow_waits_at_a_missing_node_and_goes_on_when_it_is_back(
    open_with: Open, kinds: Kinds, bare: Kinds, rose: int
) -> None:
    services = open_with(bare)

    run(
        services,
        system("test"),
        lambda tx: instances.start(tx, services.apps.live(tx, "garden"), "w_spring", "t_plant", rose),
    )
    waiting = _instance(services)
    again = open_with(kinds)
    run(again, system("test"), lambda tx: instances.retry(tx, again.apps.live(tx, "garden"), waiting.id))

    assert waiting.state == "incident"
    assert "grow" in str(waiting.position["stuck"])
    assert _instance(again).state == "approved"
    assert _value(again, rose, "leaves") == 4


class Doze(NodeType):
    """Rests for a day; a throw-away kind that has a timer."""

    name = "doze"
    title = {"en": "Doze", "zh": "打盹"}
    icon = "moon"

    class Options(registry.Options):
        pass

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        key = f"{node.id}:doze"
        return wait({"timers": [key]}, [SetTimer(visit.instance, key, visit.now + timedelta(days=1))])

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        return go_on() if isinstance(event, TimerFired) else wait(token)


def test_a_timer_at_a_missing_node_is_an_incident_and_its_moment_is_not_lost(open_with: Open, bare: Kinds) -> None:
    with_doze = plugins.built_in()
    with_doze.of("node").register(Doze())
    nap = {"id": "w_nap", "name": "nap", "form": "plant", "nodes": [{"type": "doze", "id": "n_doze", "name": "doze"}]}
    plant = {"id": "t_plant", "name": "plant", "fields": [{"id": "f_name", "name": "name", "type": "text"}]}
    services = open_with(with_doze.freeze())
    import_document(services, {"format": 1, "app": "garden", "forms": [plant], "flows": [nap]})
    rose = _save(services, None, {"name": "Rose"})
    run(
        services,
        system("test"),
        lambda tx: instances.start(tx, services.apps.live(tx, "garden"), "w_nap", "t_plant", rose),
    )

    without = open_with(bare)
    _two_days_later(without)
    stuck = _instance(without)
    run(without, system("test"), lambda tx: instances.retry(tx, without.apps.live(tx, "garden"), stuck.id))
    still_stuck = _instance(without)
    again = open_with(services.kinds)
    run(again, system("test"), lambda tx: instances.retry(tx, again.apps.live(tx, "garden"), stuck.id))

    assert [stuck.state, still_stuck.state, _instance(again).state] == ["incident", "incident", "approved"]
    assert "doze" in str(stuck.position["stuck"])
    with without.database.read() as connection:
        assert set(connection.scalars(sa.select(tables.job.c.state))) == {"done"}


class Scent(FunctionKind):
    """How strong a flower smells."""

    name = "SCENT"
    result = number(0)

    def value(self, *args: Any, **_: Any) -> Any:
        return 1


def test_a_function_of_a_package_that_is_not_built_of_others_stops_the_start() -> None:
    kinds = plugins.built_in()
    kinds.functions.register(Scent())

    with pytest.raises(TypeError, match="SCENT of tests: .* built of others"):
        plugins.complete(kinds)


class Petals(FunctionKind):
    """How many petals so many leaves make; a throw-away function."""

    name = "PETALS"
    title = {"en": "Petals", "zh": "花瓣"}
    theme = "numbers"
    chinese = "花瓣数。"
    parameters = (Parameter("leaves", number(0)),)
    result = number(0)

    def build(self, args: list[Node], column: int) -> Node:
        return building.arithmetic("*", args[0], building.literal(3, column), column)


def test_without_a_function_its_formula_is_raw_its_rule_rests_and_nothing_is_published(
    open_with: Open, bare: Kinds
) -> None:
    with_petals = plugins.built_in()
    with_petals.functions.register(Petals())
    fields = [
        {"id": "f_name", "name": "name", "type": "text"},
        {"id": "f_leaves", "name": "leaves", "type": "number", "required_if": "PETALS(leaves) > 90"},
        {"id": "f_petals", "name": "petals", "type": "formula", "formula": "PETALS(leaves)"},
        {"id": "f_twice", "name": "twice", "type": "formula", "formula": "petals * 2"},
    ]
    plant = {"id": "t_plant", "name": "plant", "label": "{{name}}{{PETALS(leaves)}}", "fields": fields}
    many = {"id": "u_many", "name": "many", "when": {"trigger": "updated", "form": "plant"}, "if": "PETALS(leaves) > 3"}
    rule = {**many, "then": [{"action": "set", "values": {"name": "Full"}}]}
    full = {"format": 1, "app": "garden", "forms": [plant], "rules": [rule]}
    services = open_with(with_petals.freeze())
    import_document(services, full)
    rose = _save(services, None, {"name": "Rose", "leaves": 2})

    without = open_with(bare)
    _save(without, rose, {"leaves": 5})

    assert [_value(without, rose, each) for each in ("name", "petals", "twice")] == ["Rose", 6, 12]
    with pytest.raises(Invalid):
        _save(without, rose, {"petals": 1})
    with without.database.read() as connection:
        app = without.apps.live(connection, "garden")
        prepared = prepare(without, connection, "garden", {**full, "title": "Park"}, None)
    assert {(str(each.path), each.name, each.package) for each in app.missing} == {
        ("/forms/0/label", "PETALS", "tests"),
        ("/forms/0/fields/1/required_if", "PETALS", "tests"),
        ("/forms/0/fields/2/formula", "PETALS", "tests"),
        ("/rules/0/if", "PETALS", "tests"),
    }
    assert {(str(each.path), each.code) for each in prepared.checked.problems} == {
        (str(each.path), "kind_missing") for each in app.missing
    }
    again = open_with(services.kinds)
    _save(again, rose, {"leaves": 4})
    assert [_value(again, rose, each) for each in ("name", "petals", "twice")] == ["Full", 12, 24]


def _two_days_later(services: Services) -> None:
    """Let the time pass in which a timer comes due."""
    later = services.clock() + timedelta(days=2)
    services.clock = lambda: later
    timers.run(services)
    jobs.run_due(services)


def test_publishing_is_blocked_and_names_kind_and_package(open_with: Open, bare: Kinds, rose: int) -> None:
    services = open_with(bare)
    with services.database.read() as connection:
        prepared = prepare(services, connection, "garden", {**GARDEN, "title": "Park"}, None)

    found = {(str(each.path), each.code) for each in prepared.checked.problems}
    assert {
        ("/forms/0/fields/1/type", "kind_missing"),
        ("/rules/0/when/trigger", "kind_missing"),
        ("/rules/0/then/0/action", "kind_missing"),
        ("/flows/0/nodes/0/type", "kind_missing"),
        ("/reports/0/chart/type", "kind_missing"),
    } <= found
    assert "“tests”" in prepared.checked.problems.items[0].message["en"]  # type: ignore[index]


def test_what_is_missing_can_be_taken_out_of_the_definition(
    open_with: Open, bare: Kinds, kinds: Kinds, rose: int
) -> None:
    services = open_with(bare)
    without = {key: value for key, value in GARDEN.items() if key not in ("rules", "flows", "reports")}
    form: Any = GARDEN["forms"][0]  # type: ignore[index]
    without["forms"] = [{**form, "fields": [each for each in form["fields"] if each["type"] != "weather"]}]

    import_document(services, without, accept_losses=True)
    import_document(open_with(kinds), GARDEN)

    assert _value(open_with(kinds), rose, "sky") == "☀"


def test_the_definition_is_said_word_for_word_while_a_kind_is_missing(
    open_with: Open, bare: Kinds, kinds: Kinds, rose: int
) -> None:
    def said(services: Services) -> Any:
        with services.database.read() as connection:
            return services.apps.language.canonical(services.apps.live(connection, "garden").definition)

    assert said(open_with(bare)) == said(open_with(kinds))


def test_the_installation_says_how_many_kinds_it_lacks(open_with: Open, bare: Kinds, rose: int) -> None:
    services = open_with(bare)
    with services.database.read() as connection:
        app = services.apps.live(connection, "garden")

    assert {(each.noun, each.name, each.package) for each in app.missing} == {
        ("field", "weather", "tests"),
        ("trigger", "clears", "tests"),
        ("action", "water", "tests"),
        ("node", "grow", "tests"),
        ("chart", "bed", "tests"),
    }
    assert len(services.apps.missing()) == 5


def test_the_builders_pages_say_what_is_missing_and_what_rests(open_with: Open, bare: Kinds, rose: int) -> None:
    services = open_with(bare)
    with _builder(services) as client:
        overview, rules, ready = (client.get(path) for path in ("/apps/garden/build", RULES, "/readyz"))

    assert "“weather” is not installed." in overview.text
    assert "It came with the package “tests”." in overview.text
    assert "Rain or shine" in rules.text
    assert "rests" in rules.text
    assert ready.json() == {"status": "ready", "missing_kinds": 5}


def test_what_todays_checks_refuse_of_a_live_app_goes_on_and_is_told_to_builders(open_with: Open, bare: Kinds) -> None:
    names = {
        "name": "by_name",
        "form": "plant",
        "dimensions": ["name"],
        "measures": [{"name": "plants", "count": True}],
    }
    form = {"name": "plant", "fields": [{"name": "name", "type": "text"}]}
    before = open_with(bare)
    import_document(before, {"format": 1, "app": "garden", "forms": [form], "reports": [names]})
    with before.database.write() as connection:  # as if an earlier program had let it through
        [part] = connection.execute(sa.select(tables.part).where(tables.part.c.kind == "reports")).all()
        body = {**part.body, "chart": {"type": "line"}}
        connection.execute(sa.update(tables.part).where(tables.part.c.hash == part.hash).values(body=body))

    services = open_with(bare)
    with _builder(services) as client:
        page = client.get("/apps/garden/build").text

    assert "Today this could not be published; it goes on as far as it can." in page
    assert "/reports/0" in page
    with read(services, system("test")) as tx:
        assert reports.run(tx, services.apps.live(tx, "garden"), "by_name", {}).result.rows == ()


@contextmanager
def _builder(services: Services) -> Iterator[TestClient]:
    """Somebody at a browser who may build apps."""
    secret = passwords.hash_password(PASSWORD)

    def hire(tx: Any) -> None:
        rights = frozenset({"app_admin"})
        organisation.add_member(tx, "Bea", "bea@example.com", password_hash=secret, rights=rights)

    run(services, system("test"), hire)
    with TestClient(create_app(services.settings, services), base_url="http://127.0.0.1:8000") as client:
        client.post("/api/v1/session", json={"email": "bea@example.com", "password": PASSWORD})
        yield client


def _save(services: Services, id: int | None, values: dict[str, Any]) -> int:
    def work(tx: Any) -> int:
        app = services.apps.live(tx, "garden")
        return int(records.save(tx, app, "plant", id, values, check_version=False).id)

    return run(services, system("test"), work)


def _value(services: Services, id: int, name: str) -> Any:
    with read(services, system("test")) as tx:
        app = services.apps.live(tx, "garden")
        record = records.load(tx, app, "plant", id)
        assert record is not None
        return record[app.form("plant").field_ids[name]]


def _instance(services: Services) -> Any:
    with services.database.read() as connection:
        return connection.execute(sa.select(tables.flow_instance)).one()
