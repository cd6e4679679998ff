"""Totals that follow a save by a job: of the third level, of very many parents, of parents with very many children."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api import stories
from builder_api.publish import import_document
from engines.actor import system
from runtime import jobs, records, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import JobKind, queue
from runtime.totals import catching_up, derived, late_totals
from tests.runtime.totals.conftest import Shop, at_once, field, form, shop, total

THREADS = 8


def tower(levels: int, *more: Any, **how: Any) -> dict[str, Any]:
    """Forms above one another, each totalling the one below; the highest is called level<levels>."""
    lowest = form("level0", field("up", "link", form="level1", on_delete="cascade"), field("total", "money"))
    above = [
        form(
            f"level{each}",
            *([field("up", "link", id=f"f_up{each}", form=f"level{each + 1}")] if each < levels else []),
            {**total("total", f"level{each - 1}", "up", sum="total", **how), "id": f"f_total{each}"},
            field("double", "formula", id=f"f_double{each}", formula="total * 2", decimals=2),
        )
        for each in range(1, levels + 1)
    ]
    return shop(lowest, *above, *more)


def tops(stage: Shop, levels: int) -> list[int]:
    """One record on each level, the highest first."""
    made: list[int] = []
    for each in range(levels, 0, -1):
        made.append(stage.save(f"level{each}", **({"up": made[-1]} if made else {})))
    return made


def updating(stage: Shop, name: str, id: int) -> set[str]:
    app = stage.app
    with transaction.read(stage.services, system("test")) as tx:
        found = late_totals.updating(tx, app, app.form(name), [id]).get(id, frozenset())
    return {app.form(name).fields[each].name for each in found}


def test_the_third_level_follows_by_a_job_and_says_so_meanwhile(stage: Shop) -> None:
    stage.publish(tower(4))
    top, third, second, first = tops(stage, 4)

    stage.save("level0", up=first, total=10)

    assert stage.values("level1", first, "total", "double") == (10, 20)
    assert stage.values("level2", second, "total") == (10,)
    assert (stage.values("level3", third, "total"), updating(stage, "level3", third)) == ((0,), {"total", "double"})
    stage.settle()
    assert stage.values("level3", third, "total", "double") == (10, 20)
    assert stage.values("level4", top, "total") == (10,)
    assert (stage.marks(), updating(stage, "level3", third), stage.wrong()) == (0, set(), [])
    assert stage.record("level3", third)["version"] == 1


def test_what_is_saved_within_a_second_is_done_by_one_job(stage: Shop) -> None:
    stage.publish(tower(3))
    first = tops(stage, 3)[-1]
    stage.settle()

    for amount in (1, 2, 3):
        stage.save("level0", up=first, total=amount)

    assert stage.jobs() == {"done": 1, "queued": 1}
    assert stage.marks() == 3
    stage.settle()
    assert (stage.marks(), stage.wrong()) == (0, [])


def test_a_total_may_be_declared_to_follow_later(stage: Shop) -> None:
    stage.publish(tower(1, eventual=True))
    (first,) = tops(stage, 1)

    entry = stage.save("level0", up=first, total=10)
    assert stage.values("level1", first, "total") == (0,)
    stage.settle()
    assert stage.values("level1", first, "total") == (10,)
    stage.delete("level0", entry)
    stage.settle()
    assert stage.values("level1", first, "total") == (0,)
    stage.restore("level0", entry)
    stage.settle()
    assert stage.values("level1", first, "total") == (10,)


def many_products(stage: Shop, count: int) -> list[int]:
    """Products that came with a migration, so to say."""
    table = stage.app.form("product").table
    ids = [new_id() for _ in range(count)]
    blank = {"f_sold": Decimal(0), "f_lines": Decimal(0), "f_signed": Decimal(0), "f_promoted": Decimal(0)}
    with stage.services.database.write() as connection:
        connection.execute(sa.insert(table), [{"id": id, "version": 1, **blank} for id in ids])
    return ids


def promotion_of(stage: Shop, ids: list[int], percent: int) -> int:
    """A promotion of more products than one request may name."""
    promotion = stage.save("promotion", percent=percent, products=ids[:1])
    side = stage.app.form("promotion").field("products").side_table
    rows = [{"record": promotion, "value": id, "position": place} for place, id in enumerate(ids) if place]
    table = stage.app.form("product").table
    with stage.services.database.write() as connection:
        connection.execute(sa.insert(side), rows)
        connection.execute(sa.update(table).values(f_promoted=1, f_best=percent))
    return promotion


def test_a_deletion_that_moves_very_many_totals_leaves_them_to_a_job(selling: Shop) -> None:
    ids = many_products(selling, derived.MOST_PARENTS + 1)
    promotion = promotion_of(selling, ids, 10)
    assert selling.wrong() == []

    selling.delete("promotion", promotion)

    assert selling.marks() == 2 * len(ids)
    assert selling.values("product", ids[0], "promoted", "best") == (1, 10)
    selling.settle()
    assert (selling.marks(), selling.wrong()) == (0, [])
    assert selling.values("product", ids[-1], "promoted", "best") == (0, None)


def test_the_totals_of_a_large_change_move_with_a_few_statements(selling: Shop) -> None:
    ids = many_products(selling, derived.MOST_PARENTS)
    promotion = promotion_of(selling, ids, 10)
    seen: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(selling.services.database.engine, "before_cursor_execute", listen)
    try:
        selling.delete("promotion", promotion)
    finally:
        sa.event.remove(selling.services.database.engine, "before_cursor_execute", listen)

    assert (selling.marks(), selling.wrong()) == (0, [])
    assert len(seen) < 40


def test_one_transaction_moves_so_many_totals_and_leaves_the_rest(selling: Shop) -> None:
    ids = many_products(selling, 30)
    app = selling.app

    def work(tx: Any) -> None:
        tx.budget.derived_writes = 20
        for id in ids:
            records.save(tx, app, "promotion", None, {"percent": 5, "products": [str(id)]})

    selling.run(work)

    assert selling.marks() == 2 * 10
    selling.settle()
    assert (selling.marks(), selling.wrong()) == (0, [])


def test_a_parent_with_very_many_children_is_counted_by_a_job(selling: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "MOST_COUNTED_ANEW", 3)
    pen = selling.save("product", name="Pen")
    promotions = [selling.save("promotion", percent=each, products=[pen]) for each in (1, 2, 3, 9, 5)]

    selling.save("promotion", promotions[3], percent=4)

    assert selling.values("product", pen, "promoted", "best") == (5, 9)
    assert updating(selling, "product", pen) == {"best"}
    selling.settle()
    assert selling.values("product", pen, "promoted", "best") == (5, 5)


def test_eight_writers_below_one_late_total_wait_for_nobody_and_lose_nothing(stage: Shop) -> None:
    stage.publish(tower(3))
    top = stage.save("level3")
    firsts = [stage.save("level1", up=stage.save("level2", up=top)) for _ in range(THREADS)]

    def write(number: int) -> None:
        for step in range(4):
            entry = stage.save("level0", up=firsts[number], total=number + step)
            if step == 2:
                stage.settle()
            if step == 3:
                stage.save("level0", entry, up=firsts[number - 1])

    at_once([lambda number=number: write(number) for number in range(THREADS)])
    stage.settle()

    assert (stage.marks(), stage.wrong()) == (0, [])
    assert stage.values("level3", top, "total") == (sum(n + s for n in range(THREADS) for s in range(4)),)


class Killed(BaseException):
    """The worker is gone: nothing after it is caught or cleaned up by our own code."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_dies_leaves_its_marks_to_the_next(
    selling: Shop, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "LOT", 10)
    monkeypatch.setattr(derived, "MOST_PARENTS", 5)
    ids = many_products(selling, 30)
    selling.delete("promotion", promotion_of(selling, ids, 10))
    lots = iter(range(100))
    renew = derived.renew

    def dies(*args: Any) -> Any:
        if next(lots) == 1:
            if moment == "after":
                renew(*args)
            raise Killed
        return renew(*args)

    monkeypatch.setattr(derived, "renew", dies)
    with pytest.raises(Killed):
        selling.settle()
    assert 0 < selling.marks() < 60
    assert selling.jobs() == {"running": 1}
    with selling.services.database.read() as connection:
        key = connection.scalar(sa.select(tables.job.c.key).where(tables.job.c.state == "running"))
    jobs.perform(selling.services, key)

    assert (selling.marks(), selling.wrong()) == (0, [])
    assert selling.jobs() == {"done": 1}


CROSSING = {
    "id": "u_full",
    "name": "full",
    "when": {"trigger": "rollup_changed", "form": "level1", "field": "total"},
    "if": "total > 5 and not (old.total > 5)",
    "then": [{"action": "create", "form": "note", "values": {"about": "=id"}}],
}
NOTE = form("note", field("about", "link", form="level1"))


def notes(stage: Shop) -> list[int]:
    with transaction.read(stage.services, system("test")) as tx:
        return list(tx.connection.scalars(sa.select(stage.app.form("note").table.c.f_about)))


def test_a_rule_may_watch_a_formula_that_moves_with_a_total(stage: Shop) -> None:
    watching = {**CROSSING, "when": {**CROSSING["when"], "field": "double"}, "if": "double > 5"}
    stage.publish({**tower(1, NOTE), "rules": [watching]})
    (first,) = tops(stage, 1)

    stage.save("level0", up=first, total=2)
    assert notes(stage) == []
    stage.save("level0", up=first, total=2)

    assert notes(stage) == [first]


def test_rules_see_a_late_total_move_once(stage: Shop) -> None:
    stage.publish({**tower(1, NOTE, eventual=True), "rules": [CROSSING]})
    (first,) = tops(stage, 1)

    stage.save("level0", up=first, total=4)
    stage.save("level0", up=first, total=4)
    assert notes(stage) == []
    stage.settle()

    assert notes(stage) == [first]
    stage.save("level0", up=first, total=4)
    stage.settle()
    assert notes(stage) == [first]


def test_a_total_that_a_rule_refuses_does_not_hold_up_the_others(stage: Shop) -> None:
    refusing = {**CROSSING, "then": [{"action": "refuse", "message": "Too much"}], "if": "total > 5"}
    stage.publish({**tower(1, NOTE, eventual=True), "rules": [refusing]})
    low, high, other = (tops(stage, 1)[0] for _ in range(3))
    for parent, amount in ((low, 1), (high, 9), (other, 2)):
        stage.save("level0", up=parent, total=amount)

    stage.settle()

    assert [stage.values("level1", each, "total") for each in (low, high, other)] == [(1,), (0,), (2,)]
    assert stage.marks() == 1
    with stage.services.database.read() as connection:
        row = connection.execute(sa.select(tables.job)).one()
    assert (row.state, "Too much" in row.last_error) == ("queued", True)


def test_totals_of_forms_that_are_gone_are_forgotten(stage: Shop) -> None:
    stage.publish(tower(1, eventual=True))
    (first,) = tops(stage, 1)
    stage.save("level0", up=first, total=10)

    stage.publish(shop(form("other", field("name"))))
    stage.settle()

    assert stage.marks() == 0


def test_jobs_that_go_round_in_a_circle_end(stage: Shop) -> None:
    again = {
        "id": "u_again",
        "name": "again",
        "when": {"trigger": "rollup_changed", "form": "level1"},
        "then": [{"action": "create", "form": "level0", "values": {"up": "=id", "total": 1}}],
    }
    stage.publish({**tower(1, eventual=True), "rules": [again]})
    (first,) = tops(stage, 1)
    stage.save("level0", up=first, total=1)

    for _ in range(20):
        stage.clock.move(seconds=5)
        stage.settle()

    assert stage.jobs() == {"done": queue.MOST_HOPS, "dead": 1}


def test_the_job_is_known_to_workers() -> None:
    from runtime.jobs.kinds import JOB_KINDS

    assert JOB_KINDS[late_totals.KIND] == JobKind("outside", catching_up.settle)


def test_a_story_sees_what_is_worked_out_a_moment_later(stage: Shop) -> None:
    story = {
        "name": "a total follows",
        "people": {"kim": ["keeper"]},
        "today": "2026-03-02",
        "steps": [
            {"kim": "saves", "form": "level1", "values": {}, "as": "first"},
            {"kim": "saves", "form": "level0", "values": {"up": "=first", "total": 10}},
            {"then": "record", "first": {"total": 10, "double": 20}},
        ],
    }
    document = {**tower(1, eventual=True), "stories": [story]}

    stage.publish(document)

    told = stories.tell(stage.app.definition, lambda services, _: import_document(services, document))
    assert stories.problems_of(told) == []
