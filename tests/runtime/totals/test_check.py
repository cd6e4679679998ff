"""The nightly check finds totals that differ from what they total, says so, and has them put right."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from runtime import jobs
from runtime.db import tables
from runtime.jobs import timers
from runtime.totals import late_totals, nightly_check
from runtime.web.metrics import Metrics
from tests.runtime.totals.conftest import Shop, field, form, shop


@pytest.fixture
def products(selling: Shop) -> list[int]:
    """Three products, each of which was sold."""
    made = [selling.save("product", name=name) for name in ("Pen", "Ink", "Cap")]
    for number, product in enumerate(made):
        selling.save("contract", items=[{"product": product, "quantity": number + 2, "price": 3}])
    selling.save("promotion", percent=5, products=made[:2])
    return made


def tamper(stage: Shop, product: int, **values: Any) -> None:
    table = stage.app.form("product").table
    with stage.services.database.write() as connection:
        connection.execute(table.update().where(table.c.id == product).values(values))


def night(stage: Shop) -> None:
    """Let a day and its night pass."""
    nightly_check.plan(stage.services)
    stage.clock.move(days=1)
    assert timers.run(stage.services) == 1
    stage.settle()


def found(stage: Shop) -> list[dict[str, Any]]:
    with stage.services.database.read() as connection:
        repaired = sa.select(tables.audit.c.detail).where(tables.audit.c.action == "totals_repaired")
        return sorted(connection.scalars(repaired), key=lambda each: each["field"])


def state(stage: Shop) -> Any:
    with stage.services.database.read() as connection:
        return connection.execute(sa.select(tables.total_check)).one()


def test_a_night_in_which_all_is_right_tells_nobody(selling: Shop, products: list[int]) -> None:
    night(selling)

    row = state(selling)
    assert (row.checked, row.repaired, row.finished_at is not None) == (3 * 6, 0, True)
    assert (found(selling), selling.marks(), selling.wrong()) == ([], 0, [])


def test_totals_that_drifted_are_put_right_and_told_of(
    selling: Shop, products: list[int], hire: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    hire("Ada", rights=["app_admin"], language="zh")
    pen, ink, _ = products
    tamper(selling, pen, f_sold=99, f_worth=198, f_dearest=None)
    tamper(selling, ink, f_sold=0, f_promoted=7)

    night(selling)

    assert selling.wrong() == []
    assert selling.values("product", pen, "sold", "worth", "dearest") == (2, 4, 6)
    assert [(each["field"], each["count"]) for each in found(selling)] == [("dearest", 1), ("promoted", 1), ("sold", 2)]
    assert found(selling)[2]["records"] == sorted([str(pen), str(ink)])
    assert "2 totals product.sold of shop had drifted" in caplog.text
    with selling.services.database.read() as connection:
        assert list(connection.scalars(sa.select(tables.notification.c.title))) == ["Shop：发现 4 个汇总有误，正在修复"]
    text = Metrics(selling.services.database).text().decode()
    assert "fourfold_drifted_totals 4.0" in text
    assert "fourfold_late_totals 0.0" in text
    night(selling)
    assert (state(selling).repaired, state(selling).repaired_ever, len(found(selling))) == (0, 4, 3)


def test_what_a_job_is_about_to_work_out_has_not_drifted(selling: Shop, products: list[int]) -> None:
    app = selling.app
    rollup = next(each for each in app.rollups if each.field == "f_sold")
    tamper(selling, products[0], f_sold=99, f_worth=198)
    selling.run(lambda tx: late_totals.mark(tx, app, rollup, products[:1]))
    with selling.services.database.write() as connection:
        connection.execute(sa.update(tables.job).values(state="dead"))

    night(selling)

    assert (found(selling), selling.marks(), selling.wrong()) == ([], 0, [])


def test_the_check_goes_on_where_a_dead_worker_left_it(
    selling: Shop, products: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly_check, "LOT", 2)
    compare, seen = nightly_check._compare, []
    tamper(selling, products[0], f_sold=99, f_worth=198)

    def dies(services: Any, app: str, place: Any) -> Any:
        seen.append((place.field, place.after))
        if len(seen) == 4:
            raise KeyboardInterrupt
        return compare(services, app, place)

    monkeypatch.setattr(nightly_check, "_compare", dies)
    with pytest.raises(KeyboardInterrupt):
        night(selling)
    key = next(iter(_keys(selling, "running")))
    jobs.perform(selling.services, key)
    selling.settle()

    assert len(seen) == len(set(seen)) + 1 == 6 * 2 + 1
    assert seen[3] == seen[4]
    assert (state(selling).checked, [each["count"] for each in found(selling)]) == (18, [1])
    assert selling.wrong() == []


def test_each_lot_and_roll_up_takes_one_statement(selling: Shop, products: list[int]) -> None:
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(selling.services.database.engine, "before_cursor_execute", listen)
    try:
        night(selling)
    finally:
        sa.event.remove(selling.services.database.engine, "before_cursor_execute", listen)
    assert len([each for each in statements if "counted" in each]) == len(selling.app.rollups)


def test_every_live_app_is_checked_at_three_by_its_own_clock(selling: Shop) -> None:
    for _ in range(2):
        nightly_check.plan(selling.services)

    with selling.services.database.read() as connection:
        (row,) = connection.execute(sa.select(tables.timer)).all()
    assert (row.key, row.kind, row.due.astimezone(selling.app.zone).hour) == ("totals:shop", nightly_check.KIND, 3)
    assert row.due - selling.clock() < timedelta(days=1)


def _keys(stage: Shop, wanted: str) -> list[str]:
    with stage.services.database.read() as connection:
        return list(connection.scalars(sa.select(tables.job.c.key).where(tables.job.c.state == wanted)))


def test_an_app_without_totals_is_done_at_once(stage: Shop) -> None:
    stage.publish(shop(form("note", field("text"))))
    night(stage)

    assert (state(stage).checked, state(stage).finished_at is not None) == (0, True)
