"""PostgreSQL's way: numbers are NUMERIC, and every literal says its type."""

from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Date,
    Numeric,
    Select,
    Text,
    any_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY

from engines.columns import ExactNumber, UtcDateTime
from engines.expressions.readable import Readable
from engines.expressions.sql_comparisons import compare_others
from engines.expressions.sql_places import Column, Condition
from engines.expressions.sql_writer import SqlWriter
from metadata.expressions import Node, limits

TYPES: dict[str, Any] = {
    "text": Text(),
    "number": Numeric(),
    "date": Date(),
    "datetime": UtcDateTime(),
    "member": BigInteger(),
    "department": BigInteger(),
    "link": BigInteger(),
}


class PostgreSQLWriter(SqlWriter):
    """Writes for PostgreSQL."""

    dialect: ClassVar[str] = "postgresql"

    def literal(self, node: Node) -> Column:
        type = TYPES[node.type.name]
        return cast(null() if node.value is None else literal(node.value, type), type)

    def value(self, node: Node) -> Column:
        written = super().value(node)
        return type_coerce(written, Numeric()) if node.type.name == "number" else written

    def stored_number(self, node: Node, decimals: int | None) -> Column:
        if node.kind == "field" and decimals in (None, node.type.decimals):
            return self.places.column(node)
        value = self.value(node)
        return value if decimals is None else type_coerce(func.round(value, decimals), ExactNumber(decimals))

    # --- conditions ---

    def compare_numbers(self, operator: str, left: Node, right: Node, positive: bool) -> Condition:
        return compare_others(self, operator, left, right, positive)

    def number_among(self, value: Node, items: tuple[Node, ...], positive: bool) -> Condition:
        written = self.value(value)
        found = self.two_valued(written.in_([self.literal(item) for item in items]), positive)
        return or_(found, written.is_(null())) if any(item.value is None for item in items) else found

    def among(self, value: Column, values: list[Any], type_name: str) -> Condition:
        type = ARRAY(TYPES[type_name])
        return value == any_(cast(literal(values, type), type))

    def same_truth(self, left: Node, right: Node) -> Condition:
        return self.condition(left) == self.condition(right)

    def ordered(self, text: Column) -> Column:
        return text.collate("C")

    # --- numbers ---

    def number(self, node: Node) -> Column:
        args = [self.value(arg) for arg in node.args]
        if node.kind == "negate":
            return -args[0]
        left, right = args
        if node.kind == "+":
            return left + right
        if node.kind == "-":
            return left - right
        if node.kind == "*":
            return func.round(left * right, limits.DECIMALS)
        if node.kind == "/":
            return _quotient(left, right)
        divisor = func.nullif(right, 0)
        return func.mod(func.mod(left, divisor) + divisor, divisor)

    def extreme(self, node: Node) -> Column:
        choose = func.least if node.kind == "smallest" else func.greatest
        return choose(*(self.value(arg) for arg in node.args))

    def total(self, kind: str, element: Node, selected: Select[Any], source: Readable) -> Column:
        column = type_coerce(self.derived(selected, source, self.value(element)), Numeric())
        if kind == "avg":
            return select(_quotient(func.sum(column), func.count(column))).scalar_subquery()
        found = select(getattr(func, kind)(column)).scalar_subquery()
        return func.coalesce(found, 0) if kind == "sum" else found


def _quotient(left: Column, right: Column) -> Column:
    """Thirty places first, so that the rounding to ten is the only one that shows."""
    return func.round(cast(left, Numeric(100, 30)) / func.nullif(right, 0), limits.DECIMALS)
