"""The typed steps an expression is built of: each function checks its operands and gives one node."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from metadata.expressions import limits
from metadata.expressions.errors import ExpressionError
from metadata.expressions.fitting import (
    COMPARE_A_FIELD,
    as_date,
    identified,
    mismatch,
    need,
    same,
    same_type,
    widest,
)
from metadata.expressions.tree import Node
from metadata.expressions.words import said
from metadata.text import Text
from metadata.value_types import BLANK, DATE, TEXT, YES_NO, ValueType, number

NUMBER = number(limits.DECIMALS)
WHOLE = number(0)
DAYS = 8


def literal(value: Any, column: int = 0) -> Node:
    """A constant as a node."""
    if value is None:
        return Node("literal", BLANK, column=column)
    if isinstance(value, bool):
        return Node("literal", YES_NO, value=value, column=column)
    if isinstance(value, str):
        return Node("literal", TEXT, value=unicodedata.normalize("NFC", value), column=column)
    if isinstance(value, date):
        return Node("literal", DATE, value=value, column=column)
    exact = Decimal(value)
    decimals = max(0, -int(exact.as_tuple().exponent))
    return Node("literal", number(decimals), (), exact, max(1, len(str(abs(int(exact))))), column)


def limited(node: Node) -> Node:
    """Refuse a number that could grow beyond what stays exact and cheap."""
    if node.magnitude > limits.MAGNITUDE:
        raise ExpressionError(
            "expression_limit",
            {"en": "The number could become too large", "zh": "数值可能过大"},
            node.column,
            {"en": "Multiply fewer fields in one expression", "zh": "请减少同一表达式中相乘的字段"},
        )
    return node


# --- conditions ---


def all_of(nodes: Sequence[Node], column: int = 0) -> Node:
    return _joined("and", nodes, column)


def any_of(nodes: Sequence[Node], column: int = 0) -> Node:
    return _joined("or", nodes, column)


def _joined(kind: str, nodes: Sequence[Node], column: int) -> Node:
    conditions = tuple(need(node, YES_NO) for node in nodes)
    return conditions[0] if len(conditions) == 1 else Node(kind, YES_NO, conditions, column=column)


def negation(node: Node, column: int = 0) -> Node:
    return Node("not", YES_NO, (need(node, YES_NO),), column=column)


def blank(node: Node, column: int = 0) -> Node:
    """Whether a value is blank; yes/no never is."""
    if node.type.name in ("blank", "yes_no"):
        return Node("literal", YES_NO, value=node.type.name == "blank", column=column)
    return Node("blank", YES_NO, (node,), column=column)


def choose(condition: Node, value: Node, otherwise: Node, column: int = 0) -> Node:
    condition = need(condition, YES_NO)
    value, otherwise = same([value, otherwise])
    magnitude = max(value.magnitude, otherwise.magnitude)
    return Node("if", widest([value, otherwise]), (condition, value, otherwise), None, magnitude, column)


def either(value: Node, instead: Node, column: int = 0) -> Node:
    value, instead = same([value, instead])
    magnitude = max(value.magnitude, instead.magnitude)
    return Node("either", widest([value, instead]), (value, instead), None, magnitude, column)


def extreme(kind: str, nodes: Sequence[Node], column: int = 0) -> Node:
    nodes = same(nodes)
    if nodes[0].type.name not in ("number", "date", "datetime"):
        raise mismatch(nodes[0], {"en": "Numbers or dates are expected here", "zh": "此处应为数字或日期"})
    return Node(kind, widest(nodes), tuple(nodes), None, max(node.magnitude for node in nodes), column)


def join(nodes: Sequence[Node], column: int = 0) -> Node:
    """Texts put together; a chain of joins is one."""
    texts = [need(node, TEXT) for node in nodes]
    flat = [part for text in texts for part in (text.args if text.kind == "join" else (text,))]
    return Node("join", TEXT, tuple(flat), column=column)


# --- what stands between two values ---


def arithmetic(operator: str, left: Node, right: Node, column: int) -> Node:
    """+ - * / % on numbers; + on texts; + and - on dates."""
    if operator == "+" and "text" in (left.type.name, right.type.name):
        return join([left, right], column)
    if operator in "+-" and left.type.name in ("date", "datetime"):
        return _date_arithmetic(operator, left, right, column)
    left, right = need(left, NUMBER), need(right, NUMBER)
    decimals, magnitude = _size(operator, left, right)
    return limited(Node(operator, number(decimals), (left, right), None, magnitude, column))


def _size(operator: str, left: Node, right: Node) -> tuple[int, int]:
    most, sizes = max(left.type.decimals or 0, right.type.decimals or 0), (left.magnitude, right.magnitude)
    if operator == "*":
        return min(limits.DECIMALS, (left.type.decimals or 0) + (right.type.decimals or 0)), sum(sizes)
    if operator == "/":
        return limits.DECIMALS, left.magnitude + limits.DECIMALS
    if operator == "%":
        return most, right.magnitude
    return most, max(sizes) + 1


def _date_arithmetic(operator: str, left: Node, right: Node, column: int) -> Node:
    start = as_date(left)
    if operator == "-" and (right.type.name in ("date", "datetime") or right.type.name == "text"):
        return Node("call", WHOLE, (need(right, DATE), start), "DAYS_BETWEEN", DAYS, column)
    days = need(right, NUMBER)
    if operator == "-":
        days = negative(days, column)
    return Node("call", DATE, (start, days, literal("days", column)), "DATEADD", column=column)


def negative(node: Node, column: int) -> Node:
    node = need(node, NUMBER)
    if node.is_constant and node.value is not None:
        return replace(node, value=-node.value if node.value else node.value)
    return Node("negate", node.type, (node,), None, node.magnitude, column)


def compare(operator: str, left: Node, right: Node, column: int) -> Node:
    """== != < <= > >=; two-valued: == treats blank as equal to blank, an order with a blank is false."""
    if operator == "!=":
        return negation(compare("==", left, right, column), column)
    if "blank" in (left.type.name, right.type.name):
        return _compare_with_null(operator, left, right, column)
    left, right = _comparable(left, right)
    if operator != "==" and left.type.name not in ("number", "text", "date", "datetime"):
        raise mismatch(
            left,
            {
                "en": f"A {said(left.type, 'en')} is only compared with == and !=",
                "zh": f"{said(left.type, 'zh')}只能用 == 和 != 比较",
            },
        )
    return Node("compare", YES_NO, (left, right), operator, column=column)


def _compare_with_null(operator: str, left: Node, right: Node, column: int) -> Node:
    if operator != "==":
        raise ExpressionError(
            "type_mismatch", {"en": "null is only compared with == and !=", "zh": "null 只能用 == 和 != 比较"}, column
        )
    return blank(left if right.type.name == "blank" else right, column)


def _comparable(left: Node, right: Node) -> tuple[Node, Node]:
    names = {left.type.name, right.type.name}
    for node in (left, right):
        if node.type.name in ("list", "rows"):
            raise mismatch(
                node,
                {"en": "A list cannot be compared", "zh": "列表不能直接比较"},
                {"en": "Use in, COUNT(), HASANY() or ISBLANK()", "zh": "请使用 in、COUNT()、HASANY() 或 ISBLANK()"},
            )
    if names & {"date", "datetime"} and (names == {"date", "datetime"} or "text" in names):
        return need(left, DATE), need(right, DATE)
    left, right = identified(left, right.type), identified(right, left.type)
    if not same_type(left.type, right.type):
        raise mismatch(right, _incomparable(left.type, right.type), _compare_hint(left.type, right.type))
    return left, right


def contained(value: Node, container: Node, column: int) -> Node:
    """`in`: a constant list, a list of the record or of the user, or a text in a text."""
    if container.kind == "list":
        return _in_constants(value, container, column)
    if container.type.name == "list" and container.kind != "column" and container.type.of is not None:
        return Node("in", YES_NO, (need(value, container.type.of), container), column=column)
    if value.type.name == "text" and container.type.name == "text":
        return Node("call", YES_NO, (container, value), "CONTAINS", column=column)
    raise mismatch(
        container,
        {
            "en": f"“in” cannot look for a {said(value.type, 'en')} in a {said(container.type, 'en')}",
            "zh": f"in 不能在{said(container.type, 'zh')}中查找{said(value.type, 'zh')}",
        },
        {"en": 'Write kind in ["a", "b"] or "a" in tags', "zh": '请写 kind in ["a", "b"] 或 "a" in tags'},
    )


def _in_constants(value: Node, container: Node, column: int) -> Node:
    if value.type.name == "datetime":
        value = as_date(value)
    items = tuple(need(item, value.type) for item in container.args)
    if not items:
        return Node("literal", YES_NO, value=False, column=column)
    if value.type.name in ("yes_no", "list", "rows", "blank"):
        raise mismatch(value, {"en": "This cannot be looked for in a list", "zh": "该值不能在列表中查找"})
    return Node("in", YES_NO, (value, replace(container, args=items)), column=column)


# --- sentences ---


def _incomparable(left: ValueType, right: ValueType) -> Text:
    if left.name == right.name == "link":
        return {"en": "These links lead to different forms", "zh": "两个关联字段指向不同的表单"}
    return {
        "en": f"Cannot compare a {said(left, 'en')} with a {said(right, 'en')}",
        "zh": f"不能将{said(left, 'zh')}与{said(right, 'zh')}比较",
    }


def _compare_hint(left: ValueType, right: ValueType) -> Text:
    if left.is_reference or right.is_reference:
        return COMPARE_A_FIELD
    return ""
