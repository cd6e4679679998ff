"""A formula may take blank numbers for zero; it then means the same in every target too."""

from decimal import Decimal

import pytest

from engines.expressions import evaluate
from metadata.expressions import check
from metadata.expressions.blanks import blanks_as_zero
from tests.engines.expressions.browser import NODE, from_browser, in_browser
from tests.engines.expressions.comparing import Databases, in_sql
from tests.engines.expressions.orders import FUNCTIONS, SCOPE, Record, environment
from tests.engines.expressions.test_semantics import RECORD

TEXTS = (
    ("n1 + n2", Decimal("2.5")),
    ("n2", Decimal(0)),
    ("n2 > 0 or n2 == 0", True),
    ("n1 / n2", None),
    ("ISBLANK(n2)", True),
    ("IFNULL(n2, 7)", Decimal(7)),
    ("SUM(items.amt * items.qty)", Decimal(0)),
    ("COUNT(items.amt)", Decimal(2)),
    ("AVG(items.amt)", Decimal("6.25")),
    ("d2 == null", True),
    ("customer.parent.level + 1", Decimal(1)),
)


@pytest.mark.parametrize(("text", "value"), TEXTS)
def test_a_blank_number_counts_as_zero_unless_it_is_asked_for(text: str, value: object) -> None:
    assert evaluate(blanks_as_zero(check(text, SCOPE, FUNCTIONS)), environment(RECORD)) == value


def test_all_targets_agree_about_it(both_databases: Databases, pool: list[Record]) -> None:
    expressions = [blanks_as_zero(check(text, SCOPE, FUNCTIONS)) for text, _ in TEXTS]
    for expression in expressions:
        values = {record["id"]: evaluate(expression, environment(record)) for record in pool}
        for name, (database, tables) in both_databases.items():
            assert in_sql(expression, database, tables) == values, (name, expression.text)
    if NODE is None:
        return
    for expression, answers in zip(expressions, in_browser(expressions, pool), strict=True):
        for record, answer in zip(pool, answers, strict=True):
            assert from_browser(answer, expression.type) == evaluate(expression, environment(record)), expression.text
