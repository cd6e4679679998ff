"""What must not pass does not pass, and nothing but our own error comes out."""

from pathlib import Path

import pytest

from metadata.expressions import ExpressionError, check
from tests.engines.expressions.orders import FUNCTIONS, SCOPE

ATTACKS = [
    line
    for line in Path(__file__).with_name("attacks.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("# ")
]
GENERATED = {
    "deep brackets": "(" * 200 + "1" + ")" * 200,
    "deep brackets closed late": "(" * 41 + "n1" + ")" * 41,
    "a chain of signs": "-" * 100 + "1",
    "a chain of not": "not " * 200 + "b1",
    "blanks": "n1" + " " * 200 + "+ 1",
    "a long text": '"' + "a" * 501 + '"',
    "a long expression": "n1 + " * 500 + "n1",
    "many parts": "+".join(["n1"] * 250),
    "a deep tree": "IF(b1, " * 45 + "1" + ", 2)" * 45,
    "deep calls": "ABS(" * 45 + "n1" + ")" * 45,
    "a long list": "n1 in [" + ", ".join("1" for _ in range(201)) + "]",
    "many digits": "1" * 5000,
    "many decimals": "0." + "1" * 50,
    "nul": "n1\x00",
    "nul in a text": '"\x00"',
    "an escaped nul": r'"\x00"',
    "a surrogate": "n1\ud800",
    "an escaped surrogate": r'"\ud800"',
    "a line break in a text": '"a\nb"',
    "empty": "",
    "blank": "   ",
    "a form feed": "\x0c",
    "powers": "POWER(" * 5 + "n1" + ", 9)" * 5,
    "products": "*".join(["n1"] * 30),
}
CONTROLS = {
    "n1 * n2 * (1 - n2)",
    "n1\n+ n2",
    " n1 ",
    "((n1))",
    "IF(b1, 'it''s', \"x\")",
    "t1 == '__class__'",
    "t1 == 'open(1)'",
    't1 == "a # b; {c}"',
    "t1 == '（'",
    "any(r.role == 'x' for r in items)",
    "SUM(r.amt for r in items if r.ok)",
    "owner == user and department in user.departments",
    "t1 in ['a', 'b']",
    "d1 == '2026-11-18'",
    "n1 is null",
    "n1 is not null",
    "not b1",
    "1 < n1 <= 3",
    "true",
    "null == null",
    "n1 if b1 else n2",
    "UPPER(t1) & LOWER(t2)",
    "sum(items.amt)",
    "customer.parent.owner.name == 'Ann'",
    "helper.department.head.name",
    "count(r for r in items)",
    "POWER(n1, 3)",
    "days_since(d1) > 7",
    "today + 7",
    "MAX(d1, d2)",
    "HASALL(tags, 'a')",
    "COUNT(tags) == 0",
    "TEXT(d1, 'YYYY年MM月')",
    "IFS(n1 > 1, 'a', 'b')",
    "manager_of(owner) == user",
    "'\\u0041' == 'A'",
    "-n1",
    "+n1",
    "n1 % 2",
    ".5 + n1",
    "n1 == 5.",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_when_it_is_checked(attack: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        check(attack, SCOPE, FUNCTIONS)

    assert_well_said(refused.value, attack)


@pytest.mark.parametrize("name", GENERATED)
def test_an_expression_beyond_the_limits_is_refused(name: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        check(GENERATED[name], SCOPE, FUNCTIONS)

    assert_well_said(refused.value, GENERATED[name])


@pytest.mark.parametrize("control", sorted(CONTROLS))
def test_what_people_write_is_accepted(control: str) -> None:
    check(control, SCOPE, FUNCTIONS)


@pytest.mark.parametrize("thing", [None, 1, 1.5, b"n1", ["n1"], {"a": 1}, object()])
def test_an_expression_that_is_no_text_is_refused(thing: object) -> None:
    with pytest.raises(ExpressionError):
        check(thing, SCOPE, FUNCTIONS)  # type: ignore[arg-type]


def assert_well_said(error: ExpressionError, text: str) -> None:
    """One problem, in two languages, with a code and a column within the text."""
    assert error.status == 422
    assert isinstance(error.problem.message, dict)
    assert set(error.problem.message) == {"en", "zh"}
    assert error.problem.code
    assert error.column is None or 0 <= error.column <= len(text)
