"""Publishing: wholly or not at all, nothing lost, nothing that nobody agreed to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api import drafts
from builder_api.packages import export_app
from builder_api.publish import publish
from metadata.problems import Conflict, InvalidDefinition, NotFound
from runtime.db import ddl, tables
from runtime.db.engine import Database
from runtime.services import Services
from runtime.transaction import run
from tests.builder_api.conftest import BUILDER, Install, Save, field_of, order_fields, shop

Load = Callable[[str, int], dict[str, Any]]


def test_a_definition_becomes_a_live_app_with_real_tables(
    install: Install, services: Services, save: Save, load: Load
) -> None:
    published = install(shop())

    id = save("order", {"title": "First", "amount": 12.5, "items": [{"price": 2, "count": 3}]})

    assert (published.number, published.changed) == (1, True)
    assert load("order", id)["double"] == 25
    assert load("order", id)["total"] == 6


def test_importing_the_same_file_again_changes_nothing(install: Install, services: Services) -> None:
    install(shop())

    again = install(shop())

    assert (again.number, again.changed) == (1, False)
    assert _count(services, tables.manifest) == 1


def test_export_of_import_is_the_same_to_the_byte(install: Install, services: Services) -> None:
    import json

    install(shop())
    with services.database.read() as connection:
        text = export_app(services, connection, "shop")

    install(json.loads(text))

    with services.database.read() as connection:
        assert export_app(services, connection, "shop") == text


def test_a_part_that_did_not_change_is_stored_once(install: Install, services: Services) -> None:
    install(shop())
    before = _count(services, tables.part)
    document = shop()
    document["reports"][0]["title"] = "By customer"

    install(document)

    assert _count(services, tables.part) == before + 1
    assert _count(services, tables.manifest) == 2


def test_the_tables_are_what_the_compiled_app_expects(install: Install, services: Services) -> None:
    install(shop())

    with services.database.read() as connection:
        assert ddl.drift(connection, services.apps.live(connection, "shop")) == []


# --- renames ---


def test_a_rename_needs_no_change_of_tables_and_every_reference_follows(
    install: Install, services: Services, save: Save, load: Load
) -> None:
    install(shop())
    id = save("order", {"title": "First", "amount": 5})
    document = _live(services)
    field_of(document, "amount")["name"] = "value_of_order"

    with counted_ddl(services.database) as changes:
        install(document)

    now = _live(services)
    assert not changes
    assert load("order", id)["value_of_order"] == 5
    assert field_of(now, "double")["formula"] == "value_of_order * 2"
    assert now["forms"][1]["columns"][1] == {"field": "value_of_order"}
    assert now["rules"][0]["if"]["all"][0] == "value_of_order > 0"
    assert now["rules"][0]["then"][0]["values"]["title"] == "{{title}} ({{value_of_order}})"
    assert now["reports"][0]["measures"][0]["sum"] == "value_of_order"
    assert now["access"][0]["where"] == "value_of_order < 1000"


def test_a_renamed_form_is_followed_by_links_rules_and_access(install: Install, services: Services) -> None:
    install(shop())
    document = _live(services)
    document["forms"][0]["name"] = "client"
    document["forms"][0]["fields"][0]["name"] = "company"

    install(document)

    now = _live(services)
    assert field_of(now, "customer")["form"] == "client"
    assert now["forms"][0]["label"] == "{{company}}"
    assert now["rules"][0]["if"]["all"][1] == "customer.company != ''"
    assert now["reports"][0]["dimensions"][0] == {"field": "customer.company"}
    assert {entry["form"] for entry in now["access"]} == {"order", "client"}


def test_a_rename_in_a_subform_is_followed_inside_loops(install: Install, services: Services) -> None:
    install(shop())
    document = _live(services)
    field_of(document, "items")["fields"][0]["name"] = "unit_price"

    install(document)

    assert field_of(_live(services), "total")["formula"] == "sum(i.unit_price * i.count for i in items)"


def test_a_renamed_role_keeps_its_access(install: Install, services: Services) -> None:
    install(shop())
    document = _live(services)
    document["roles"][0]["name"] = "seller"

    install(document)

    assert {entry["role"] for entry in _live(services)["access"]} == {"seller"}


# --- fields come and go ---


def test_a_field_that_goes_and_comes_back_has_lost_nothing(install: Install, save: Save, load: Load) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "First", "code": "A-1"})
    without = shop(rules=[])
    order_fields(without).remove(field_of(without, "code"))

    install(without, accept_losses=True)
    assert "code" not in load("order", id)
    install(shop(rules=[]))

    assert load("order", id)["code"] == "A-1"


def test_taking_a_field_away_needs_an_explicit_yes(install: Install, services: Services) -> None:
    install(shop(rules=[]))
    without = shop(rules=[])
    order_fields(without).remove(field_of(without, "code"))

    with pytest.raises(Conflict) as refused:
        install(without)

    assert refused.value.code == "losses_need_consent"
    assert refused.value.problems[0].code == "field_hidden"
    assert _count(services, tables.manifest) == 1


def test_a_retype_keeps_what_converts_and_reports_what_does_not(
    install: Install, services: Services, save: Save, load: Load
) -> None:
    install(shop(rules=[]))
    good = save("order", {"title": "Good", "code": "12.5"})
    bad = save("order", {"title": "Bad", "code": "about twelve"})
    document = shop(rules=[])
    field_of(document, "code").update({"type": "number"})

    published = install(document, accept_losses=True)

    [report] = [report for report in published.reports if report.failures]
    assert (report.rows, report.failures, report.failed) == (2, 1, [bad])
    assert load("order", good)["code"] == 12.5
    assert load("order", bad)["code"] is None


def test_a_retype_back_finds_the_old_values_again(install: Install, save: Save, load: Load) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "Good", "code": "12.5"})
    document = shop(rules=[])
    field_of(document, "code").update({"type": "number"})
    install(document, accept_losses=True)

    install(shop(rules=[]), accept_losses=True)

    assert load("order", id)["code"] in ("12.5", "12.5000")


def test_a_new_formula_is_computed_for_the_records_that_are_there(install: Install, save: Save, load: Load) -> None:
    install(shop())
    id = save("order", {"title": "First", "amount": 5})
    document = shop()
    order_fields(document).append({"name": "triple", "type": "formula", "formula": "amount * 3"})

    install(document)

    assert load("order", id)["triple"] == 15


def test_values_that_stand_twice_cannot_become_unique(install: Install, services: Services, save: Save) -> None:
    install(shop())
    save("order", {"title": "One", "code": "same"})
    save("order", {"title": "Two", "code": "same"})
    document = shop()
    field_of(document, "code")["unique"] = True

    with pytest.raises(Conflict):
        install(document)

    assert _count(services, tables.manifest) == 1


# --- all or nothing ---


def test_a_publish_that_fails_at_any_statement_leaves_nothing_half_done(
    install: Install, services: Services, save: Save, load: Load
) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "First", "code": "12.5"})
    document = shop(rules=[])
    field_of(document, "code").update({"type": "number"})
    order_fields(document).append({"name": "note", "type": "text"})
    document["forms"].append({"name": "invoice", "fields": [{"name": "number", "type": "auto_number"}]})
    before = _everything(services.database)

    failures = 0
    while failures < 300:
        with failing_at(services.database, failures) as failed, suppress(Broken):
            install(document, accept_losses=True)
        if not failed:
            break
        assert _everything(services.database) == before, failed
        assert load("order", id)["code"] == "12.5"
        failures += 1

    assert failures > 8
    assert load("order", id)["code"] == 12.5


def test_of_two_publishes_at_once_one_wins_and_one_is_told(services: Services, install: Install) -> None:
    install(shop())
    barrier, told = Barrier(2), []

    def work(name: str) -> None:
        document = shop()
        order_fields(document).append({"name": name, "type": "text"})
        barrier.wait(10)
        try:
            install(document)
            told.append("published")
        except Conflict as refused:
            told.append(refused.code)

    threads = [Thread(target=work, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    numbers = _numbers(services)
    assert sorted(told) in (["publish_conflict", "published"], ["losses_need_consent", "published"])
    assert numbers == [1, 2]


def test_a_draft_that_moved_meanwhile_is_not_published(services: Services, install: Install) -> None:
    install(shop())
    run(services, BUILDER, lambda tx: drafts.put(tx, "shop", shop(title="New"), None))

    with pytest.raises(Conflict) as refused:
        publish(services, BUILDER, "shop", version=7)

    assert (refused.value.status, refused.value.code) == (412, "version_conflict")


def test_publishing_a_draft_uses_it_up_and_is_audited(services: Services, install: Install) -> None:
    install(shop())
    run(services, BUILDER, lambda tx: drafts.put(tx, "shop", shop(title="New"), None))

    published = publish(services, BUILDER, "shop")

    with services.database.read() as connection:
        assert services.apps.live(connection, "shop").title == "New"
        assert drafts.find(connection, "shop") is None
        actions = list(connection.scalars(sa.select(tables.audit.c.action).order_by(tables.audit.c.seq)))
    assert published.number == 2
    assert actions == ["app_published", "draft_changed", "app_published"]


def test_without_a_draft_there_is_nothing_to_publish(services: Services, install: Install) -> None:
    install(shop())

    with pytest.raises(NotFound):
        publish(services, BUILDER, "shop")


MALFORMED: list[tuple[str, Any]] = [
    ("/forms/1/fields/1/type", "nmber"),
    ("/forms/1/fields/1/decimals", 40),
    ("/forms/1/fields/3/form", "nobody"),
    ("/forms/1/fields/6/formula", "amount *"),
    ("/forms/1/fields/6/formula", "amont * 2"),
    ("/forms/1/fields/6/formula", "double * 2"),
    ("/forms/1/fields/6/formula", "amount + title"),
    ("/forms/1/fields/6/formula", "__import__('os')"),
    ("/forms/1/fields/6/formula", "amount if x"),
    ("/forms/1/fields/6/formula", "+".join(["amount"] * 500)),
    ("/forms/1/fields/4/default", "closed"),
    ("/forms/1/fields/1/default", "=tomorrow"),
    ("/forms/1/fields/0/required_if", "amount"),
    ("/forms/0/label", "{{titel}}"),
    ("/forms/0/label", "{{title"),
    ("/forms/0/label", "{% include 'x' %}"),
    ("/rules/0/when/if", "state = 'paid'"),
    ("/rules/0/when/if", "state =="),
    ("/rules/0/if/all/1", "customer.titel != ''"),
    ("/rules/0/then/0/values/code", "=unknown_thing"),
    ("/rules/0/then/0/values/amount", "many"),
    ("/reports/0/where", "amount >"),
    ("/reports/0/dimensions/0", "customer.nothing"),
    ("/reports/0/measures/0/sum", "title"),
    ("/access/0/where", "amount < 'x'"),
    ("/access/0/where", "1"),
    ("/access/0/fields", ["nothing"]),
]


@pytest.mark.parametrize(("path", "value"), MALFORMED, ids=[f"{path} {value!s:.30}" for path, value in MALFORMED])
def test_a_malformed_definition_is_refused_at_its_place_and_nothing_is_written(
    dialect: str, services: Services, install: Install, path: str, value: Any
) -> None:
    if dialect != "sqlite":
        pytest.skip("no statement differs between the databases here")
    document = shop()
    before = _everything(services.database)
    _put(document, path, value)

    with pytest.raises(InvalidDefinition) as refused:
        install(document)

    places = [str(problem.path) for problem in refused.value.problems]
    assert any(place.startswith(path) or path.startswith(place + "/") for place in places), places
    assert all({"en", "zh"} <= set(problem.message) and problem.hint for problem in refused.value.problems)
    assert _everything(services.database) == before


def test_problems_of_shape_names_and_expressions_come_together(install: Install) -> None:
    document = shop()
    document["forms"][1]["fields"][0]["requird"] = True
    document["access"][1]["role"] = "clerc"
    field_of(document, "double")["formula"] = "amont * 2"

    with pytest.raises(InvalidDefinition) as refused:
        install(document)

    assert {str(problem.path) for problem in refused.value.problems} >= {
        "/forms/1/fields/0/requird",
        "/access/1/role",
        "/forms/1/fields/6/formula",
    }


# --- what tests look at ---


class Broken(Exception):
    """The database broke, because the test wanted it to."""


@contextmanager
def failing_at(database: Database, number: int) -> Iterator[list[str]]:
    """Let the n-th writing statement fail; gives which one it was, if it came to that."""
    failed: list[str] = []
    seen = iter(range(10_000))

    def before(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")) and next(seen) == number:
            failed.append(statement)
            raise Broken(statement)

    sa.event.listen(database.engine, "before_cursor_execute", before)
    try:
        yield failed
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", before)


@contextmanager
def counted_ddl(database: Database) -> Iterator[list[str]]:
    """Collect statements that change tables."""
    seen: list[str] = []

    def before(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP")):
            seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", before)
    try:
        yield seen
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", before)


def _everything(database: Database) -> dict[str, Any]:
    """All tables with their columns, and how many rows stand in each."""
    with database.read() as connection:
        inspector = sa.inspect(connection)
        return {
            name: (
                sorted(column["name"] for column in inspector.get_columns(name)),
                connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))),
            )
            for name in sorted(inspector.get_table_names())
        }


def _live(services: Services) -> dict[str, Any]:
    with services.database.read() as connection:
        return services.apps.language.canonical(services.apps.live(connection, "shop").definition)


def _count(services: Services, table: sa.Table) -> int:
    with services.database.read() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _numbers(services: Services) -> list[int]:
    with services.database.read() as connection:
        return list(connection.scalars(sa.select(tables.manifest.c.number).order_by(tables.manifest.c.number)))


def _put(document: Any, path: str, value: Any) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")[1:]]
    for part in way:
        document = document[part]
    document[last] = value
