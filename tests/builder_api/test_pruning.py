"""What is kept for a while only: versions, parts and trash."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api import versions
from builder_api.pruning import prune
from engines.actor import system
from metadata.problems import NotFound
from runtime import records
from runtime.db import tables
from runtime.records import trash
from runtime.services import Services
from runtime.transaction import run
from tests.builder_api.conftest import BUILDER, Install, Save, shop

Load = Callable[[str, int], dict[str, Any]]


def test_only_the_last_versions_are_kept_and_the_first_one_as_it_came(install: Install, services: Services) -> None:
    for title in ("One", "Two", "Three", "Four", "Five", "Six"):
        install(shop(title=title))

    run(services, BUILDER, lambda tx: prune(tx, "shop", 6, most=3))

    with services.database.read() as connection:
        listed = versions.versions(connection, "shop")
        document = versions.document(connection, "shop", 1)

    assert [(each["number"], each["live"]) for each in listed] == [
        (6, True),
        (5, False),
        (4, False),
        (1, False),
    ]
    assert document["title"] == "One"
    assert versions.roll_back(services, BUILDER, "shop", 4).number == 7
    with pytest.raises(NotFound):
        versions.roll_back(services, BUILDER, "shop", 2)


def test_parts_that_no_version_names_go_with_them(install: Install, services: Services) -> None:
    for title in ("One", "Two", "Three", "Four"):
        install(shop(title=title))

    run(services, BUILDER, lambda tx: prune(tx, "shop", 4, most=2))

    with services.database.read() as connection:
        heads = connection.scalars(sa.select(tables.part.c.body).where(tables.part.c.kind == "app"))
        assert {body["title"] for body in heads} == {"One", "Three", "Four"}
        assert services.apps.live(connection, "shop").title == "Four"


def test_the_trash_is_emptied_after_a_month_and_not_before(install: Install, services: Services, save: Save) -> None:
    install(shop(rules=[]))
    gone = save("order", {"title": "Gone", "items": [{"price": 2, "count": 3}]})
    kept = save("order", {"title": "Kept"})
    _delete(services, gone)

    early = trash.empty(services, services.clock() + timedelta(days=30))
    late = trash.empty(services, services.clock() + timedelta(days=30, seconds=1))

    assert (early, late) == (0, 1)
    assert _there(services) == {kept}
    with services.database.read() as connection:
        form = services.apps.live(connection, "shop").form("order")
        (rows,) = [field.subform for field in form.subforms]
        assert connection.scalar(sa.select(sa.func.count()).select_from(rows.table)) == 0
        history = sa.select(tables.record_version.c.op).where(tables.record_version.c.record == gone)
        assert set(connection.scalars(history)) == {"create", "delete"}
        assert "trash_emptied" in set(connection.scalars(sa.select(tables.audit.c.action)))


def test_what_is_restored_in_the_last_moment_stays(install: Install, services: Services, save: Save) -> None:
    install(shop(rules=[]))
    id = save("order", {"title": "Back"})
    _delete(services, id)
    run(services, system("test"), lambda tx: records.restore(tx, services.apps.live(tx, "shop"), "order", id))

    assert trash.empty(services, services.clock() + timedelta(days=99)) == 0
    assert _there(services) == {id}


def _delete(services: Services, id: int) -> None:
    def work(tx: Any) -> None:
        records.delete(tx, services.apps.live(tx, "shop"), "order", id, check_version=False)

    run(services, system("test"), work)


def _there(services: Services) -> set[int]:
    with services.database.read() as connection:
        table = services.apps.live(connection, "shop").form("order").table
        return set(connection.scalars(sa.select(table.c.id)))
