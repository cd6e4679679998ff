"""Each row of semantics.csv holds in asteval, on both databases and in the browser."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engines.expressions import evaluate
from metadata.expressions import Expression, ExpressionError, check
from runtime.db.engine import Database
from tests.engines.expressions.browser import NODE, from_browser, in_browser
from tests.engines.expressions.comparing import found_by, in_sql
from tests.engines.expressions.orders import ASKING, FUNCTIONS, Record, Tables, environment

LINES = list(csv.DictReader(Path(__file__).with_name("semantics.csv").read_text("utf-8").splitlines()))

ITEM: Record = {"f_qty": None, "f_day": None, "f_product": None, "f_role": None, "f_ok": None, "f_amt": None}
RECORD: Record = {
    "id": 1, "owner": 7, "department": 1, "f_helper": None, "f_customer": 21,
    "f_n1": Decimal("2.50"), "f_n2": None, "f_n3": Decimal(7), "f_t1": "制造业a", "f_t2": None,
    "f_d1": date(2026, 1, 31), "f_d2": None, "f_ts": datetime(2026, 11, 18, 17, 30, tzinfo=UTC),
    "f_b1": True, "f_b2": None, "f_tags": ("a",), "f_watchers": (),
    "f_items": [
        {**ITEM, "id": 1, "f_amt": Decimal("10.00"), "f_role": "x", "f_ok": True},
        {**ITEM, "id": 2, "f_amt": Decimal("2.50")},
        {**ITEM, "id": 3},
    ],
}  # fmt: skip


def written(value: Any) -> str:
    """A value as the table writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    return str(value)


def expressions() -> list[tuple[dict[str, str], Expression]]:
    return [(line, check(line["expression"], ASKING, FUNCTIONS)) for line in LINES if line["result"] != "refused"]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['topic']}: {line['expression']}")
def test_each_rule_of_the_language_holds_row_by_row(line: dict[str, str]) -> None:
    if line["result"] == "refused":
        with pytest.raises(ExpressionError):
            check(line["expression"], ASKING, FUNCTIONS)
        return

    value = evaluate(check(line["expression"], ASKING, FUNCTIONS), environment(RECORD))

    assert written(value) == line["result"]


def test_each_rule_of_the_language_holds_in_sql(database: Database) -> None:
    with database.write() as connection:
        tables = Tables(connection, [RECORD])

    for line, expression in expressions():
        answered = in_sql(expression, database, tables)
        assert answered is not None, line
        assert written(answered[1]) == line["result"], line
        if expression.type.name == "yes_no":
            assert found_by(expression, database, tables) == ({1} if line["result"] == "true" else set()), line


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_each_rule_of_the_language_holds_in_the_browser() -> None:
    cases = expressions()

    answers = in_browser([expression for _, expression in cases], [RECORD])

    for (line, expression), (answer,) in zip(cases, answers, strict=True):
        assert written(from_browser(answer, expression.type)) == line["result"], line
