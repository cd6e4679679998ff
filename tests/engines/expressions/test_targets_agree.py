"""The same tree means the same in asteval, SQLite, PostgreSQL and the browser."""

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines.expressions.browser import NODE, from_browser, in_browser
from tests.engines.expressions.comparing import Databases, assert_databases_agree, checked, row_by_row
from tests.engines.expressions.grammar import Grammar
from tests.engines.expressions.orders import Record

EXAMPLES = int(os.environ.get("EXPRESSION_EXAMPLES", "60"))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    return Grammar(lambda options: draw(st.sampled_from(options))).expression()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="EXPRESSION_EXAMPLES" not in os.environ,
    database=None,
)
@given(text=expressions())
def test_both_databases_agree_with_asteval(text: str, both_databases: Databases, pool: list[Record]) -> None:
    assert_databases_agree(text, both_databases, pool)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_browser_agrees_with_asteval(pool: list[Record]) -> None:
    dice = random.Random(int(os.environ.get("EXPRESSION_SEED", "11")))
    written = [Grammar(dice.choice).expression() for _ in range(EXAMPLES * 3)]
    cases = [(one, values) for one in map(checked, written) if one and (values := row_by_row(one, pool))]

    answers = in_browser([expression for expression, _ in cases], pool)

    assert len(cases) > EXAMPLES
    for (expression, values), answered in zip(cases, answers, strict=True):
        for record, answer in zip(pool, answered, strict=True):
            assert not isinstance(answer, dict), (expression.text, answer)
            assert from_browser(answer, expression.type) == values[record["id"]], (expression.text, record)
