"""A quick look before exact arithmetic: floats decide where they cannot err, the exact comparison only close by.

SQLite computes exact numbers through functions of ours, some ten microseconds a row. A float differs from the exact
value by less than a known band, so that outside of it both agree. What could differ by more (a division, a rounded
product that is multiplied again, a function) is compared exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Float, case, func, literal, type_coerce
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement

from metadata.expressions import Node, limits

Column = ColumnElement[Any]
NARROWEST = 1e-6  # far more than the roundings of a few dozen products to ten decimals
OF_SIZE = 1e-12  # far more than a float loses in a few dozen steps
LARGEST_TREE = 40


@dataclass(frozen=True)
class Rough:
    """A number as a float; `size` bounds what was added up on the way to it, `decimals` are those of the exact one."""

    value: Column
    size: Column
    decimals: int
    is_rounded: bool = False


def rough(node: Node, scaled: Callable[[Node], Column]) -> Rough | None:
    """The float form of a number, or None where it might stray too far; `scaled` gives a field as it is stored."""
    return _rough(node, scaled) if node.size() <= LARGEST_TREE else None


def banded(operator: str, left: Rough, right: Rough, exact: ColumnElement[bool]) -> ColumnElement[bool]:
    """The comparison by floats, and the exact one where they lie too close to tell."""
    difference = left.value - right.value
    band = literal(OF_SIZE, Float()) * (left.size + right.size) + literal(NARROWEST, Float())
    above, below = difference > band, difference < -band
    if operator == "==":  # two blanks are equal, so they are left to the exact comparison
        found = case((above, 0), (below, 0), else_=type_coerce(exact, Boolean()))
    else:
        more = operator in (">", ">=")
        found = case((difference.is_(None), 0), (above, int(more)), (below, int(not more)), else_=exact)
    return found == 1


def _rough(node: Node, scaled: Callable[[Node], Column]) -> Rough | None:
    if node.kind == "literal":
        return _constant(node)
    if node.kind == "field":
        stored = scaled(node)
        if any(isinstance(each, FunctionElement) for each in visitors.iterate(stored)):
            return None  # computed exactly anyway, and more than once would be too often
        value = stored / literal(float(10 ** (node.type.decimals or 0)), Float())
        return Rough(value, func.abs(value), node.type.decimals or 0)
    if node.kind not in ("+", "-", "*", "negate", "either"):
        return None
    parts = [_rough(each, scaled) for each in node.args]
    known = [each for each in parts if each is not None]
    return _combined(node.kind, *known) if len(known) == len(parts) else None


def _constant(node: Node) -> Rough | None:
    if node.value is None:
        return None
    value = literal(float(node.value), Float())
    return Rough(value, func.abs(value), max(0, -int(node.value.as_tuple().exponent)))


def _combined(operator: str, left: Rough, right: Rough | None = None) -> Rough | None:
    if right is None:
        return Rough(-left.value, left.size, left.decimals, left.is_rounded)
    decimals, is_rounded = max(left.decimals, right.decimals), left.is_rounded or right.is_rounded
    if operator == "either":
        first = func.coalesce(left.value, right.value), func.coalesce(left.size, right.size)
        return Rough(*first, decimals, is_rounded)
    if operator != "*":
        value = left.value + right.value if operator == "+" else left.value - right.value
        return Rough(value, left.size + right.size, decimals, is_rounded)
    if is_rounded:
        return None
    exact = left.decimals + right.decimals
    product, size = left.value * right.value, left.size * right.size
    return Rough(product, size, min(exact, limits.DECIMALS), exact > limits.DECIMALS)
