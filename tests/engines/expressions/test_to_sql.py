"""The SQL target: forms that an index can serve, sizes that a database can take, and functions that never fail."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engines.expressions import NotPushable, to_sql, where
from engines.expressions.sqlite_functions import AGGREGATES, _functions
from metadata.expressions import ExpressionError, check
from tests.engines.expressions.comparing import Databases, assert_databases_agree, row_by_row
from tests.engines.expressions.orders import ASKING, FUNCTIONS, OLD_SCOPE, ROW_SCOPE, SCOPE, Record, Tables, moment

DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}
NESTS = {
    "ABS": "ABS({})",
    "plus on the left": "({} + 1)",
    "plus on the right": "(1 + {})",
    "IF": "IF(b1, {}, 2)",
    "IFNULL": "IFNULL({}, n2)",
    "ROUNDUP": "ROUNDUP({})",
    "MIN": "MIN(1, {})",
    "remainder": "({} % 3)",
    "SQRT": "SQRT({})",
    "DATE": "YEAR(DATE({}, 1, 1))",
    "DATEADD": "DAY(DATEADD(d1, {}, 'months'))",
    "VALUE": "VALUE(TEXT({}))",
    "MID": "LEN(MID(t1, {}, 2))",
    "SUM": "SUM(n1 + {} for {} in items)",
    "in": "IF({} in [1, 2, 3, 4, 5, 6, 7, 8], 1, 2)",
}


@pytest.fixture
def plain_tables() -> Tables:
    """The tables by name only, without a database."""

    class Nowhere(Tables):
        def _fill(self, connection: Any, records: list[Record]) -> None:
            pass

    return Nowhere(sa.create_mock_engine("sqlite://", lambda *_, **__: None), [])  # type: ignore[arg-type]


def filter_sql(text: str, tables: Tables, dialect: str) -> str:
    condition = where(check(text, ASKING, FUNCTIONS), tables.relation(), moment(), dialect)
    compiled = condition.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": False})
    return " ".join(str(compiled).replace("x_order.", "").split())


@pytest.mark.parametrize(
    ("text", "sqlite_form", "postgresql_form"),
    [
        ("t1 == 'a'", "f_t1 = ?", "f_t1 = CAST(%(param_1)s::VARCHAR AS TEXT)"),
        ("days_since(d1) > 7", "f_d1 < ?", "f_d1 < CAST(%(param_1)s::DATE AS DATE)"),
        ("today - d1 > 7", "f_d1 < ?", "f_d1 < CAST(%(param_1)s::DATE AS DATE)"),
        ("d1 - today <= 7", "f_d1 <= ?", "f_d1 <= CAST(%(param_1)s::DATE AS DATE)"),
        ("n1 > 2.505", "f_n1 > ?", "f_n1 > CAST(%(param_1)s AS NUMERIC)"),
        ("3 < n3", "f_n3 > ?", "f_n3 > CAST(%(param_1)s AS NUMERIC)"),
        ("owner == user", "owner = ?", "owner = CAST(%(param_1)s::BIGINT AS BIGINT)"),
        ("customer == null", "f_customer IS NULL", "f_customer IS NULL"),
        ("not (customer == null)", "f_customer IS NOT NULL", "f_customer IS NOT NULL"),
        ("t1 in ['a', 'b']", "f_t1 IN (__[POSTCOMPILE_f_t1_1])", "f_t1 IN (__[POSTCOMPILE_f_t1_1])"),
        (
            "department in user.departments",
            "department IN (SELECT anon_1.value FROM json_each(?) AS anon_1)",
            "department = ANY (CAST(%(param_1)s::BIGINT[] AS BIGINT[]))",
        ),
    ],
)
def test_a_filter_stays_in_a_form_that_an_index_serves(
    text: str, sqlite_form: str, postgresql_form: str, plain_tables: Tables
) -> None:
    assert filter_sql(text, plain_tables, "sqlite") == sqlite_form
    assert filter_sql(text, plain_tables, "postgresql") == postgresql_form


def test_what_the_database_does_not_know_has_no_sql_form(plain_tables: Tables) -> None:
    row = check("amt + record.n1", ROW_SCOPE, FUNCTIONS)
    texts = ["old.n1 > 1", "CHANGED(n1)", "ISNEW()", "manager_of(owner) == user", "REPLACE(t1, 'a', t2) == t1"]
    texts += ["COUNT(customer.lines) > 1"]

    for expression in [row, *(check(text, OLD_SCOPE, FUNCTIONS) for text in texts)]:
        for dialect in DIALECTS:
            with pytest.raises(NotPushable) as refused:
                to_sql(expression, plain_tables.relation(), moment(), dialect)
            assert isinstance(refused.value.reason, dict)


def test_constants_of_the_request_are_worked_out_before(plain_tables: Tables) -> None:
    assert filter_sql("owner == manager_of(user)", plain_tables, "sqlite") == "owner = ?"
    assert filter_sql("helper == user.manager and 'seller' in user.roles", plain_tables, "sqlite") == "f_helper = ?"
    assert filter_sql("d1 > DATEADD(today, -1, 'months')", plain_tables, "sqlite") == "f_d1 > ?"


@pytest.mark.parametrize("nest", NESTS)
def test_deep_nesting_runs_or_is_left_to_the_server(nest: str, both_databases: Databases, pool: list[Record]) -> None:
    text = "n1"
    for depth in itertools.count(1):
        text = NESTS[nest].format(text, f"r{depth}")
        try:
            check(text, SCOPE, FUNCTIONS)
        except ExpressionError:
            break
        if depth in (1, 2, 3) or depth % 6 == 0:
            assert_databases_agree(text, both_databases, pool[:5])


def test_long_chains_run_as_one_step(both_databases: Databases, pool: list[Record]) -> None:
    cases = ", ".join(f"{number}, {number + 1}" for number in range(150))
    many = ", ".join(f"n1 + {number}" for number in range(90))

    assert_databases_agree(f"SWITCH(n3, {cases}, -1)", both_databases, pool)
    assert_databases_agree(f"MAX({many})", both_databases, pool)
    assert_databases_agree(" & ".join(["t1"] * 30), both_databases, pool)


def test_a_number_column_comes_rounded_in_its_stored_form(both_databases: Databases, pool: list[Record]) -> None:
    expression = check("n2 * 1.5", SCOPE, FUNCTIONS)
    values = row_by_row(expression, pool)
    assert values is not None

    for database, tables in both_databases.values():
        column = to_sql(expression, tables.relation(), moment(), database.dialect, decimals=2)
        with database.read() as connection:
            ordered = connection.execute(
                sa.select(tables.orders.c.id, column).order_by(column.asc().nulls_first())
            ).all()
        rounded = {id: None if value is None else round_half_up(value) for id, value in values.items()}
        assert dict(map(tuple, ordered)) == rounded
        known = [value for _, value in ordered if value is not None]
        assert known == sorted(known)


def round_half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


def test_a_null_in_a_list_finds_the_blanks(both_databases: Databases, pool: list[Record]) -> None:
    for text in ["d1 in ['2026-11-18', null]", "t1 in ['a', null]", "n1 in [1, null]", "n1 not in [1, null]"]:
        assert_databases_agree(text, both_databases, pool)


def test_no_function_of_ours_ever_fails_in_sqlite() -> None:
    things: list[Any] = [
        None,
        "",
        "a",
        "1",
        "-0.5",
        "9" * 38,
        0,
        -1,
        2**62,
        date.max.isoformat(),
        "0001-01-01",
        "2026-02-30",
    ]
    things += ["2026-11-18 17:30:00.000000", "9999-12-31 23:59:59.999999", "Asia/Shanghai", "days", "YYYY"]

    for name, count, function in _functions():
        for start in range(len(things)):
            args = [things[(start + place * 5) % len(things)] for place in range(count if count >= 0 else 3)]
            assert isinstance(function(*args), str | int | None), name
    assert set(AGGREGATES) == {"ff_sum", "ff_avg", "ff_min", "ff_max"}
