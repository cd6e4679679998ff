"""SQLite's way: stored numbers are scaled integers, computed ones exact decimals as text for functions of ours.

Comparing a field with a constant, or two fields of equal scale, stays with the integers and can use an index; what
is computed is compared by floats first, and exactly where these cannot tell.
"""

import json
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Integer,
    Select,
    Text,
    case,
    cast,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from engines.columns import ExactNumber, UtcDateTime
from engines.expressions.arithmetic import plain
from engines.expressions.guard_band import banded, rough
from engines.expressions.readable import Readable
from engines.expressions.sql_comparisons import compared
from engines.expressions.sql_places import Column, Condition
from engines.expressions.sql_types import DecimalText
from engines.expressions.sql_writer import SqlWriter
from metadata.expressions import Node

FUNCTIONS = {
    "+": func.ff_add,
    "-": func.ff_subtract,
    "*": func.ff_multiply,
    "/": func.ff_divide,
    "%": func.ff_modulo,
    "negate": func.ff_negate,
}
TYPES: dict[str, Any] = {
    "text": Text(),
    "date": Date(),
    "datetime": UtcDateTime(),
    "member": BigInteger(),
    "department": BigInteger(),
    "link": BigInteger(),
}
HALF = 1_000_000_000  # a 64-bit sum is taken in two halves, neither of which can overflow
LARGEST = 2**63 - 1


class SQLiteWriter(SqlWriter):
    """Writes for SQLite."""

    dialect: ClassVar[str] = "sqlite"

    def literal(self, node: Node) -> Column:
        if node.value is None:
            return cast(null(), Text())
        if node.type.name == "number":
            return literal(plain(node.value), Text())
        return literal(node.value, TYPES[node.type.name])

    def value_field(self, node: Node) -> Column:
        if node.type.name != "number":
            return super().value_field(node)
        scale = node.type.decimals or 0
        return func.ff_unscale(self.scaled(node), scale) if scale else self.scaled(node)

    def scaled(self, node: Node) -> Column:
        """A number field as the integer it is stored as."""
        return type_coerce(self.places.column(node), Integer())

    def stored_number(self, node: Node, decimals: int | None) -> Column:
        if node.kind == "field" and decimals in (None, node.type.decimals):
            return self.places.column(node)
        value = self.value(node)
        if decimals is None:
            return type_coerce(value, DecimalText())
        return type_coerce(func.ff_scale(value, decimals), ExactNumber(decimals))

    # --- conditions ---

    def compare_numbers(self, operator: str, left: Node, right: Node, positive: bool) -> Condition:
        if left.kind == "field" and right.is_constant and right.value is not None:
            scale = left.type.decimals or 0
            return self.two_valued(against_constant(operator, self.scaled(left), scale, right.value), positive)
        if left.kind == right.kind == "field" and (left.type.decimals or 0) == (right.type.decimals or 0):
            return self._integers(operator, self.scaled(left), self.scaled(right), positive)
        exact = self.exactly(operator, left, right)
        first, second = rough(left, self.scaled), rough(right, self.scaled)
        if first is not None and second is not None:
            return banded(operator, first, second, exact)
        return exact if operator == "==" else self.two_valued(exact, positive)

    def exactly(self, operator: str, left: Node, right: Node) -> Condition:
        if operator == "==":
            return func.ff_equal(self.value(left), self.value(right)) == 1
        compare = func.ff_compare(self.value(left), self.value(right))
        return compared(operator, compare, literal(0, Integer()))

    def plain_comparison(self, operator: str, left: Node, column: Column, right: Node) -> Condition:
        if left.type.name != "number":
            return super().plain_comparison(operator, left, column, right)
        return against_constant(operator, type_coerce(column, Integer()), left.type.decimals or 0, right.value)

    def _integers(self, operator: str, left: Column, right: Column, positive: bool) -> Condition:
        if operator == "==":
            return left.is_not_distinct_from(right)
        return self.two_valued(compared(operator, left, right), positive)

    def number_among(self, value: Node, items: tuple[Node, ...], positive: bool) -> Condition:
        return or_(*(self.compare_numbers("==", value, item, positive) for item in items))

    def among(self, value: Column, values: list[Any], type_name: str) -> Condition:
        listed = func.json_each(literal(json.dumps(values), Text())).table_valued(column("value", TYPES[type_name]))
        return value.in_(select(listed.c.value))

    def same_truth(self, left: Node, right: Node) -> Condition:
        first, second = (case((self.condition(node, True), 1), else_=0) for node in (left, right))
        return first == second

    # --- values ---

    def number(self, node: Node) -> Column:
        return FUNCTIONS[node.kind](*(self.value(arg) for arg in node.args))

    def extreme(self, node: Node) -> Column:
        kind = "number" if node.type.name == "number" else "text"
        function = getattr(func, f"ff_{node.kind}_{kind}")
        values: list[Column] = [type_coerce(self.value(arg), Text()) for arg in node.args]
        while len(values) > 1:  # SQLite takes about a hundred arguments
            values = [function(*values[start : start + 50]) for start in range(0, len(values), 50)]
        return values[0]

    def total(self, kind: str, element: Node, selected: Select[Any], source: Readable) -> Column:
        if element.kind == "field":
            return self._total_of_field(kind, element, selected, source)
        column = self.derived(selected, source, self.value(element))
        found = select(getattr(func, f"ff_{kind}")(column)).scalar_subquery()
        return func.coalesce(found, "0") if kind == "sum" else found

    def _total_of_field(self, kind: str, element: Node, selected: Select[Any], source: Readable) -> Column:
        scale = element.type.decimals or 0
        x = self.derived(selected, source, self.scaled(element))
        if kind in ("min", "max"):
            return select(func.ff_unscale(getattr(func, kind)(x), scale)).scalar_subquery()
        halves = func.sum(x.op("/")(HALF)), func.sum(x.op("%")(HALF))
        found = select(
            func.ff_sum_of(*halves, scale) if kind == "sum" else func.ff_average_of(*halves, func.count(x), scale)
        )
        return found.scalar_subquery()


def against_constant(operator: str, scaled: Column, scale: int, constant: Decimal) -> Condition:
    """A scaled integer against a decimal: the bound moves to the next integer, so the column stays bare."""
    exact = constant.scaleb(scale)
    below = int(exact.to_integral_value(ROUND_FLOOR))
    above = int(exact.to_integral_value(ROUND_CEILING))
    if operator == "==":
        return scaled == _bound(below) if below == above else type_coerce(false(), Boolean())
    if operator in ("<", ">="):
        return compared(operator, scaled, _bound(above))
    return compared(operator, scaled, _bound(below))


def _bound(number: int) -> Column:
    """A constant beyond 64 bits is as good as the largest: no stored number comes near it."""
    return literal(max(-LARGEST, min(LARGEST, number)), BigInteger())
