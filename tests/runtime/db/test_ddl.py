"""A schema plan is carried out on both databases; the tables are then as was meant, and nothing is lost."""

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from engines import CompiledApp
from engines.facts import Facts
from engines.forms.schema_plan import plan
from metadata.problems import Conflict
from runtime.db.backfill import Report, backfill, work_of
from runtime.db.ddl import apply, drift
from runtime.db.engine import Database
from tests.engines.forms.play import app_of, field, form

D = Decimal
NAME = field("name")
ITEMS = field("items", "subform", fields=[field("part"), field("count", "number"),
                                          field("twice", "formula", formula="count * 2")])  # fmt: skip


def facts(app: CompiledApp) -> Facts:
    return Facts(now=datetime(2026, 3, 2, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"), app=app.name)


def publish(database: Database, before: CompiledApp | None, *forms: dict[str, Any]) -> tuple[CompiledApp, list[Report]]:
    """Take an app live as publishing does: all phases in one transaction."""
    after = app_of(*forms, before=before)
    steps = plan(before, after)
    with database.write_unhurried() as connection:
        apply(connection, steps)
        reports = backfill(connection, steps, after, facts(after))
        apply(connection, steps, "contract")
    return after, reports


def put(database: Database, app: CompiledApp, form: str, *records: dict[str, Any]) -> None:
    """Write records (by column, from id 1 on) straight into the table of a form or subform."""
    table = app.forms[form].table
    with database.write() as connection:
        for id, record in enumerate(records, 1):
            connection.execute(table.insert(), {"id": id, **record})


def column(database: Database, app: CompiledApp, form: str, id: str) -> list[Any]:
    """What stands in a field, record by record."""
    compiled = app.forms[form]
    with database.read() as connection:
        found = sa.select(compiled.table.c[str(compiled.fields[id].column)]).order_by(compiled.table.c.id)
        return list(connection.scalars(found))


def side(database: Database, app: CompiledApp, form: str, id: str) -> list[tuple[Any, ...]]:
    table = app.forms[form].fields[id].side_table
    assert table is not None
    with database.read() as connection:
        found = sa.select(table.c.record, table.c.value).order_by(table.c.record, table.c.position)
        return [tuple(row) for row in connection.execute(found)]


EVERYTHING = form(
    "thing",
    NAME,
    field("note", "long_text"),
    field("size", "number", decimals=10),
    field("price", "money", unique=True),
    field("share", "percent"),
    field("day", "date"),
    field("at", "datetime"),
    field("done", "yes_no"),
    field("kind", "select", options=["a", "b"], stage=True),
    field("kinds", "multi_select", options=["a", "b"]),
    field("tags", "tags"),
    field("who", "member"),
    field("team", "department", multiple=True),
    field("up", "link", form="thing"),
    field("code", "auto_number"),
    field("double", "formula", formula="size * 2"),
    field("below", "rollup", form="thing", link="up", count=True),
    field("files", "attachment"),
    ITEMS,
)


def test_a_first_publish_makes_the_tables_as_they_should_be(database: Database) -> None:
    app, _ = publish(database, None, EVERYTHING)

    with database.read() as connection:
        assert drift(connection, app) == []
        assert plan(app, app).steps == ()


def test_a_publish_that_fails_leaves_no_table_behind(database: Database) -> None:
    app = app_of(EVERYTHING)

    with pytest.raises(RuntimeError), database.write_unhurried() as connection:
        apply(connection, plan(None, app))
        raise RuntimeError

    with database.read() as connection:
        assert not sa.inspect(connection).has_table("a1_t_thing")


def test_drift_is_seen_and_hidden_columns_are_no_drift(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME, field("size", "number")))
    smaller = app_of(form("thing", NAME), before=app)
    larger = app_of(form("thing", NAME, field("size", "number"), field("due", "date")), before=app)

    with database.read() as connection:
        assert drift(connection, smaller) == []
        assert any("f_due" in line for line in drift(connection, larger))


def test_new_fields_leave_old_values_alone(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME))
    put(database, app, "t_thing", {"f_name": "first"})

    app, _ = publish(database, app, form("thing", {**NAME, "name": "label"}, field("up", "link", form="thing"), ITEMS))

    assert column(database, app, "t_thing", "f_name") == ["first"]
    with database.read() as connection:
        assert drift(connection, app) == []


def test_numbers_are_kept_exactly(database: Database) -> None:
    app, _ = publish(database, None, form("thing", field("size", "number", decimals=10), field("price", "money")))
    put(database, app, "t_thing", {"f_size": D("0.1000000001"), "f_price": D("9999999999999.99")},
        {"f_size": D("-12345.6789"), "f_price": D("0.01")})  # fmt: skip

    assert column(database, app, "t_thing", "f_size") == [D("0.1000000001"), D("-12345.6789")]
    table = app.forms["t_thing"].table
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.sum(table.c.f_price))) == D("10000000000000.00")


CONVERSIONS: list[tuple[dict[str, Any], dict[str, Any], list[Any], list[Any], list[int]]] = [
    (field("v"), field("v", "number"), ["12", " 1,234.5 ", "￥80", "abc", "2026-01-05", None, ""],
     [D(12), D("1234.5"), D(80), None, None, None, None], [4, 5]),
    (field("v"), field("v", "date"), ["2026-01-05", "2026/1/5", "5.1.26", "x"],
     [date(2026, 1, 5), date(2026, 1, 5), None, None], [3, 4]),
    (field("v", "date"), field("v"), [date(2026, 1, 5), None], ["2026-01-05", None], []),
    (field("v", "number"), field("v"), [D("12.5000"), D(100)], ["12.5", "100"], []),
    (field("v", "number"), field("v", "money"), [D("1.2345"), D("0.005")], [D("1.23"), D("0.01")], []),
    (field("v", "money"), field("v", "number", decimals=10), [D("1234.56"), D("999999.00")],
     [D("1234.56"), None], [2]),
    (field("v"), field("v", "yes_no"), ["yes", "否", "maybe"], [True, False, None], [3]),
    (field("v", "yes_no"), field("v"), [True, False], ["yes", "no"], []),
    (field("v", "date"), field("v", "datetime"), [date(2026, 1, 5)], [datetime(2026, 1, 4, 16, tzinfo=UTC)], []),
    (field("v", "datetime"), field("v", "date"), [datetime(2026, 1, 4, 16, tzinfo=UTC)], [date(2026, 1, 5)], []),
    (field("v", "member"), field("v"), [7], [None], [1]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "stored", "converted", "failed"), CONVERSIONS)
def test_a_retype_converts_what_it_can_and_reports_the_rest(
    database: Database,
    old: dict[str, Any],
    new: dict[str, Any],
    stored: list[Any],
    converted: list[Any],
    failed: list[int],
) -> None:
    before, _ = publish(database, None, form("thing", NAME, old))
    put(database, before, "t_thing", *({"f_v": value} for value in stored))

    after, (report,) = publish(database, before, form("thing", NAME, new))

    assert column(database, after, "t_thing", "f_v") == converted
    assert report.failed == failed
    assert column(database, before, "t_thing", "f_v") == stored  # the old column is as it was


def test_a_choice_becomes_several_and_one_again(database: Database) -> None:
    options = [{"value": "a", "title": "Alpha"}, "b"]
    one = form("thing", NAME, field("kind", "select", options=options))
    several = form("thing", NAME, field("kind", "multi_select", options=options))
    app, _ = publish(database, None, one)
    put(database, app, "t_thing", {"f_kind": "a"}, {"f_kind": None}, {"f_kind": "b"})

    app, _ = publish(database, app, several)
    assert side(database, app, "t_thing", "f_kind") == [(1, "a"), (3, "b")]

    app, _ = publish(database, app, one)
    assert column(database, app, "t_thing", "f_kind") == ["a", None, "b"]


def test_records_follow_an_option_that_was_taken_over(database: Database) -> None:
    before = [field("kind", "select", options=["a", "b"]), field("kinds", "multi_select", options=["a", "b"])]
    refined = ["a1", {"value": "a2", "was": ["a"]}, "b"]
    after = [field("kind", "select", options=refined), field("kinds", "multi_select", options=refined)]
    app, _ = publish(database, None, form("thing", NAME, *before))
    put(database, app, "t_thing", {"f_kind": "a"}, {"f_kind": "b"}, {"f_kind": None})
    with database.write() as connection:
        tables = app.metadata.tables
        listed = [{"record": 1, "value": value, "position": place} for place, value in enumerate("ab")]
        connection.execute(tables["a1_f_kinds"].insert(), listed)

    app, reports = publish(database, app, form("thing", NAME, *after))

    assert column(database, app, "t_thing", "f_kind") == ["a2", "b", None]
    assert side(database, app, "t_thing", "f_kinds") == [(1, "a2"), (1, "b")]
    assert [report.rows for report in reports] == [1, 1]


def test_text_and_choice_are_stored_alike_so_nothing_moves(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME, field("kind")))
    put(database, app, "t_thing", {"f_kind": "a"}, {"f_kind": "elsewhere"})

    app, reports = publish(database, app, form("thing", NAME, field("kind", "select", options=["a"])))

    assert column(database, app, "t_thing", "f_kind") == ["a", "elsewhere"]
    assert reports == []


def test_unique_is_refused_while_a_value_stands_twice_and_says_how_many(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME))
    put(database, app, "t_thing", {"f_name": "x"}, {"f_name": "x"}, {"f_name": None}, {"f_name": None})

    with pytest.raises(Conflict) as refused:
        publish(database, app, form("thing", {**NAME, "unique": True}, field("size", "number")))

    assert refused.value.code == "not_unique"
    assert "x" not in str(refused.value.problems[0].message)
    with database.read() as connection:
        assert "f_size" not in {each["name"] for each in sa.inspect(connection).get_columns("a1_t_thing")}


def test_what_lies_in_the_trash_does_not_count_as_unique(database: Database) -> None:
    app, _ = publish(database, None, form("thing", {**NAME, "unique": True}))
    put(database, app, "t_thing", {"f_name": "x", "deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"f_name": "x"})

    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(app.forms["t_thing"].table.insert(), {"id": 9, "f_name": "x"})


def test_uniqueness_can_be_given_up_and_taken_again(database: Database) -> None:
    app, _ = publish(database, None, form("thing", {**NAME, "unique": True}))
    app, _ = publish(database, app, form("thing", NAME))
    put(database, app, "t_thing", {"f_name": "x"}, {"f_name": "y"})

    app, _ = publish(database, app, form("thing", {**NAME, "unique": True}))

    with database.read() as connection:
        assert drift(connection, app) == []


def test_new_formulas_are_filled_in_for_what_is_there(database: Database) -> None:
    app, _ = publish(
        database, None, form("thing", NAME, field("size", "number"), {**ITEMS, "fields": ITEMS["fields"][:2]})
    )
    put(database, app, "t_thing", {"f_size": D(3)}, {"f_size": None})
    put(database, app, "f_items", {"record": 1, "f_count": D(5)}, {"record": 1, "f_count": D(6)})

    app, reports = publish(
        database,
        app,
        form("thing", NAME, field("size", "number"), ITEMS,
             field("all", "formula", formula="sum(items.twice) + size", decimals=0)),
    )  # fmt: skip

    assert column(database, app, "f_items", "f_twice") == [D(10), D(12)]
    assert column(database, app, "t_thing", "f_all") == [D(25), None]
    assert [report.failures for report in reports] == [0, 0]


ORDERS = form("order", field("customer", "link", form="customer"), field("price", "money"),
              field("state", "select", options=["open", "paid"]))  # fmt: skip
TOTALS = {
    "count": {"count": True},
    "sum": {"sum": "price"},
    "avg": {"avg": "price"},
    "min": {"min": "price"},
    "max": {"max": "price"},
    "distinct": {"distinct": "price"},
}


def test_new_roll_ups_are_totalled_over_what_is_there(database: Database) -> None:
    app, _ = publish(database, None, form("customer", NAME), ORDERS)
    put(database, app, "t_customer", {"f_name": "a"}, {"f_name": "b"})
    put(
        database, app, "t_order",
        {"f_customer": 1, "f_price": D("1.10"), "f_state": "paid"},
        {"f_customer": 1, "f_price": D("2.20"), "f_state": "paid"},
        {"f_customer": 1, "f_price": D("9.00"), "f_state": "open"},
        {"f_customer": 1, "f_price": D("7.00"), "f_state": "paid", "deleted_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"f_customer": 1, "f_price": D("2.20"), "f_state": "paid"},
    )  # fmt: skip

    totals = [
        field(f"t_{name}", "rollup", form="order", link="customer", where="state == 'paid'", **options)
        for name, options in TOTALS.items()
    ]
    half = field("half", "formula", formula="t_sum / 2", decimals=2)
    app, _ = publish(database, app, form("customer", NAME, *totals, half), ORDERS)

    got = {name: column(database, app, "t_customer", f"f_t_{name}") for name in TOTALS}
    assert got == {
        "count": [D(3), D(0)],
        "sum": [D("5.50"), D(0)],
        "avg": [D("1.8333"), None],
        "min": [D("1.10"), None],
        "max": [D("2.20"), None],
        "distinct": [D(2), D(0)],
    }
    assert column(database, app, "t_customer", "f_half") == [D("2.75"), D(0)]


def test_a_publish_knows_beforehand_how_many_records_it_would_touch(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME, field("size")))
    put(database, app, "t_thing", *({"f_size": str(n)} for n in range(5)))

    after = app_of(form("thing", NAME, field("size", "number")), before=app)

    with database.read() as connection:
        assert work_of(connection, plan(app, after)).rows == 5


def test_more_records_than_a_chunk_are_all_converted(database: Database) -> None:
    app, _ = publish(database, None, form("thing", NAME, field("size")))
    with database.write() as connection:
        connection.execute(app.forms["t_thing"].table.insert(), [{"id": n, "f_size": str(n)} for n in range(1, 2502)])

    app, (report,) = publish(database, app, form("thing", NAME, field("size", "number")))

    assert (report.rows, report.failures) == (2501, 0)
    assert column(database, app, "t_thing", "f_size")[-1] == D(2501)


def test_a_former_index_is_made_anew_with_its_blanks_first(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite holds blanks first anyway")
    app, _ = publish(database, None, form("deal", field("due", "date"), field("code", unique=True)))
    with database.write_unhurried() as connection:
        connection.execute(sa.text("DROP INDEX ix_a1_t_deal_f_due, uq_a1_t_deal_f_code"))
        connection.execute(sa.text("CREATE INDEX ix_a1_t_deal_f_due ON a1_t_deal (f_due)"))
        former = "CREATE UNIQUE INDEX uq_a1_t_deal_f_code ON a1_t_deal (f_code) WHERE deleted_at IS NULL"
        connection.execute(sa.text(former))

        with Operations.context(MigrationContext.configure(connection)):
            import_module("migrations.versions.0007_blanks_first").upgrade()

        assert drift(connection, app) == []
        named = sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE '__\\_a1\\_%'")
        found = dict(connection.execute(named).all())
    assert all("NULLS FIRST" in definition for definition in found.values())
    assert "WHERE (deleted_at IS NULL)" in found["uq_a1_t_deal_f_code"]


def test_an_index_may_be_asked_for_given_up_and_asked_for_again(database: Database) -> None:
    wanted, unwanted = form("deal", {**NAME, "indexed": True}), form("deal", NAME)
    app, _ = publish(database, None, unwanted)

    for each in (wanted, unwanted, wanted):
        app, _ = publish(database, app, each)

    with database.read() as connection:
        assert drift(connection, app) == []
        assert "ix_a1_t_deal_f_name" in {each["name"] for each in sa.inspect(connection).get_indexes("a1_t_deal")}
