"""How comparisons become SQL: plain where an index can serve them, total everywhere else."""

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import and_, null, or_

from engines.expressions.sql_places import Column, Condition
from metadata.expressions import Node
from metadata.value_types import DATE, YES_NO

if TYPE_CHECKING:
    from engines.expressions.sql_writer import SqlWriter

LAST_DAY = date.max.toordinal()
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def compare(writer: "SqlWriter", node: Node, positive: bool) -> Condition:
    """Two values side by side; a stored column against a constant stays as an index wants it."""
    left, right = node.args
    operator = node.value
    if left.is_constant and not right.is_constant:
        left, right, operator = right, left, TURNED[operator]
    if rewritten := _since_today(operator, left, right):
        return compare(writer, rewritten, positive)
    if left.type.name == "yes_no":
        return writer.same_truth(left, right)
    if positive and _rejects_blank(operator, right) and (shown := writer.places.unmasked(left)) is not None:
        return and_(shown[1], writer.plain_comparison(operator, left, shown[0], right))
    if left.type.name == "number":
        return writer.compare_numbers(operator, left, right, positive)
    if left.type.name == "text":
        return _compare_texts(writer, operator, left, right, positive)
    return compare_others(writer, operator, left, right, positive)


def _rejects_blank(operator: str, right: Node) -> bool:
    return right.is_constant and (operator != "==" or right.value not in (None, ""))


def _compare_texts(writer: "SqlWriter", operator: str, left: Node, right: Node, positive: bool) -> Condition:
    if operator != "==":
        return compared(operator, writer.ordered(writer.value(left)), writer.value(right))
    if positive and left.kind == "field" and right.is_constant and right.value:
        return writer.places.column(left) == writer.literal(right)
    return writer.value(left) == writer.value(right)


def compare_others(writer: "SqlWriter", operator: str, left: Node, right: Node, positive: bool) -> Condition:
    """Dates, moments, people, links: what the database compares as it is."""
    first, second = writer.value(left), writer.value(right)
    if operator != "==":
        return writer.two_valued(compared(operator, first, second), positive)
    if right.is_constant and right.value is None:
        return first.is_(null())
    if positive and right.is_constant:
        return first == second
    return first.is_not_distinct_from(second)


def _since_today(operator: str, left: Node, right: Node) -> Node | None:
    """days_since(date) > 7 as date < today - 7, which an index on the date can serve."""
    if left.kind != "call" or left.value != "DAYS_BETWEEN" or not right.is_constant:
        return None
    start, end = left.args
    if start.is_constant == end.is_constant or right.value is None or right.value % 1:
        return None
    known, moved, days = (end, start, -right.value) if end.is_constant else (start, end, right.value)
    if known.value is None or not 1 <= known.value.toordinal() + int(days) <= LAST_DAY:
        return None
    day = Node("literal", DATE, value=known.value.fromordinal(known.value.toordinal() + int(days)))
    return Node("compare", YES_NO, (moved, day), TURNED[operator] if end.is_constant else operator)


def among_constants(writer: "SqlWriter", value: Node, items: tuple[Node, ...], positive: bool) -> Condition:
    """Whether a value is one of several that are known."""
    if value.type.name == "number":
        return writer.number_among(value, items, positive)
    known = [item.value for item in items if item.value not in (None, "")]
    plain = len(known) == len(items)
    if positive and plain and (shown := writer.places.unmasked(value)) is not None:
        return and_(shown[1], shown[0].in_(known))
    if positive and plain and value.kind == "field":
        return writer.places.column(value).in_(known)
    found = writer.two_valued(writer.value(value).in_([writer.literal(item) for item in items]), positive)
    if value.type.name != "text" and not plain:
        return or_(found, writer.value(value).is_(null()))
    return found


def compared(operator: str, left: Column, right: Column) -> Condition:
    """Two columns under an operator."""
    if operator == "==":
        return left == right
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    return left > right if operator == ">" else left >= right
