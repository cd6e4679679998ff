"""Each function does what its own help says, is named in both languages, and exists in every target it claims."""

import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engines.actor import Actor
from engines.expressions import Environment, FunctionKind, evaluate
from engines.expressions.arithmetic import plain
from engines.expressions.reference import THEMES, examples, reference
from engines.facts import Facts
from engines.organisation import Department, Organisation, Person
from metadata.expressions import FieldReference, Names, Scope, check
from metadata.value_types import TEXT, ValueType, list_of, number, rows
from tests.engines.expressions.orders import FUNCTIONS

DOCS = Path(__file__).parents[3] / "docs"
FORMULA = Path(__file__).parents[3] / "templates/static/js/formula.js"
SHOWN = [function for function in FUNCTIONS if function.theme]


def _fields(**types: ValueType) -> dict[str, FieldReference]:
    return {name: FieldReference(f"f_{name}", name, type) for name, type in types.items()}


NAMES = Names(
    {
        "t": _fields(amount=number(2), tags=list_of(TEXT), items=rows("f_items")),
        "f_items": _fields(amount=number(2), quantity=number(0), note=TEXT),
    }
)
SCOPE = Scope(NAMES, "t").with_old()
RECORD: dict[str, Any] = {
    "id": 1,
    "f_amount": Decimal(120),
    "f_tags": ("urgent", "export"),
    "f_items": [
        {"f_amount": Decimal(10), "f_quantity": Decimal(1), "f_note": None},
        {"f_amount": Decimal(20), "f_quantity": Decimal(3), "f_note": "gift"},
    ],
}
OLD = {**RECORD, "f_amount": Decimal(100)}
PEOPLE = {1: Person(1, "Ann", department=1, manager=2), 2: Person(2, "Bo", department=1)}
FACTS = Facts(
    now=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    zone=ZoneInfo("Asia/Shanghai"),
    actor=Actor("user", 1, "Ann", department=1, departments=frozenset({1}), manager=2),
    organisation=Organisation(PEOPLE, {1: Department(1, "Sales", head=2)}),
)


def written(value: Any, type: ValueType) -> str:
    """A value as the examples write it; people by name."""
    if value is None:
        return "null"
    if type.name == "member":
        return f'"{PEOPLE[value].name}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return plain(value)
    return f'"{value.isoformat() if isinstance(value, date) else value}"'


@pytest.mark.parametrize("function", SHOWN, ids=lambda function: function.name)
def test_the_examples_of_a_function_hold(function: FunctionKind) -> None:
    assert examples(function)
    for source, want in examples(function):
        expression = check(source, SCOPE, FUNCTIONS)
        value = evaluate(expression, Environment(RECORD, FACTS, old=OLD))
        assert written(value, expression.type) == want, source


@pytest.mark.parametrize("function", SHOWN, ids=lambda function: function.name)
def test_a_function_is_described_in_both_languages(function: FunctionKind) -> None:
    assert function.theme in THEMES
    assert isinstance(function.title, dict)
    assert set(function.title) == {"en", "zh"}
    assert isinstance(function.sentence, dict)
    assert function.sentence["en"].endswith(".")
    assert function.sentence["zh"].endswith("。")


def test_aliases_belong_to_one_function_only() -> None:
    names = [name for function in FUNCTIONS for name in (function.name, *function.aliases)]
    assert len(names) == len(set(names))


def test_the_browser_has_every_function_that_it_is_sent() -> None:
    library = re.search(r"export const FUNCTIONS = \{(.*?)\n\};", FORMULA.read_text("utf-8"), re.DOTALL)
    assert library is not None
    there = set(re.findall(r"^  ([A-Z_]+)[:,]", library.group(1), re.MULTILINE))
    assert there == {function.name for function in FUNCTIONS if function.has_value and function.in_browser}


@pytest.mark.parametrize(("file", "language"), [("expressions.md", "en"), ("expressions.zh.md", "zh")])
def test_the_reference_in_the_docs_is_that_of_the_code(file: str, language: str) -> None:
    """With WRITE_DOCS=1 in the environment the test writes the reference anew."""
    path = DOCS / file
    before, mark, _ = path.read_text("utf-8").partition("<!-- functions -->\n")
    fresh = before + mark + "\n" + reference(SHOWN, language)
    if os.environ.get("WRITE_DOCS"):
        path.write_text(fresh, "utf-8")

    assert path.read_text("utf-8") == fresh
