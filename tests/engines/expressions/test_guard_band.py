"""Where floats decide a comparison they agree with the exact one, right at the border too, and they do decide."""

from decimal import Decimal

import pytest

from engines.expressions import where
from tests.engines.expressions.comparing import Databases, assert_databases_agree, checked, row_by_row
from tests.engines.expressions.grammar import ORDERS
from tests.engines.expressions.orders import Record, moment

COMPUTED = [
    "n1 * n2",
    "n1 + n2 * n3",
    "n1 * n2 * (1 - n3)",
    "n2 * n2",
    "n2 * n2 * n1",
    "-n1 - n2",
    "IFNULL(n1, 0) * IFNULL(n2, -1)",
    "n1 * n2 - n2 * n1",
    "n1 * 9999999.5 * n3 + n2",
    "0.000001 * n2 + n1",
    "customer.level * n2 - 0.1",
]
LEFT_TO_EXACT = ["n1 / n2", "n2 * 0.0000001 * n3", "ROUND(n1, 1) + n2", "MAX(n1, n2) * 2"]
STEPS = [Decimal(0), Decimal("0.0000000001"), Decimal("-0.000001")]


def borders(text: str, pool: list[Record]) -> list[str]:
    """Constants at, just above and just below the values that the expression really has."""
    expression = checked(text)
    assert expression is not None
    values = row_by_row(expression, pool) or {}
    known = sorted({value for value in values.values() if value is not None})
    chosen = [known[0], known[len(known) // 2], known[-1], Decimal(0)]
    return [f"{value + step:f}" for value in chosen for step in STEPS]


@pytest.mark.parametrize("text", COMPUTED + LEFT_TO_EXACT)
@pytest.mark.parametrize("operator", ORDERS)
def test_a_computed_number_is_compared_exactly_at_its_border(
    text: str, operator: str, both_databases: Databases, pool: list[Record]
) -> None:
    for border in borders(text, pool):
        assert_databases_agree(f"{text} {operator} {border}", {"sqlite": both_databases["sqlite"]}, pool)
    assert_databases_agree(f"not ({text} {operator} n1 + n3)", both_databases, pool)
    assert_databases_agree(f"{text} {operator} n2 * 1 + 0 or b1", both_databases, pool)


@pytest.mark.parametrize(
    ("text", "by_floats"), [(text, True) for text in COMPUTED] + [(text, False) for text in LEFT_TO_EXACT]
)
def test_floats_decide_only_where_they_cannot_stray(text: str, by_floats: bool, both_databases: Databases) -> None:
    _, tables = both_databases["sqlite"]
    expression = checked(f"{text} > 5")
    assert expression is not None

    statement = str(where(expression, tables.relation(), moment(), "sqlite"))

    assert ("ff_compare" in statement) is True
    assert ("CASE WHEN" in statement and " ELSE ff_compare" in statement) is by_floats
