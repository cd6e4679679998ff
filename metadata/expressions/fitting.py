"""Which value may stand where another is expected, and how a node is made to fit there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from metadata.expressions.errors import ExpressionError
from metadata.expressions.tree import Node
from metadata.expressions.words import said
from metadata.text import Text
from metadata.value_types import DATE, ValueType, id_in, number

EMPTY = {"text": "", "yes_no": False}
COMPARE_A_FIELD: Text = {
    "en": "Compare a field of it, like owner.name, or user",
    "zh": "请比较其字段，如 owner.name，或与 user 比较",
}


def mismatch(node: Node, message: Text, hint: Text = "") -> ExpressionError:
    return ExpressionError("type_mismatch", message, node.column, hint)


def same_type(left: ValueType, right: ValueType) -> bool:
    """Whether two values may stand for one another: same kind, links to the same form."""
    if left.name != right.name:
        return False
    if left.name == "link":
        return left.form == right.form
    if left.name == "list" and left.of and right.of:
        return same_type(left.of, right.of)
    return True


def need(node: Node, type: ValueType) -> Node:
    """The node as a value of the type; blanks, dates and ids in quotes and date-times for dates are turned into it."""
    if node.kind == "literal" and node.type.name == "blank":
        return replace(node, type=type, value=EMPTY.get(type.name))
    if type.name == "date" and node.type.name == "datetime":
        return as_date(node)
    if type.name == "date" and node.is_constant and node.type.name == "text":
        return date_literal(node)
    node = identified(node, type)
    if not same_type(node.type, type):
        raise mismatch(node, _expected(node.type, type), _way_out(node.type, type))
    return node


def same(nodes: Sequence[Node]) -> list[Node]:
    """The nodes as values of one type, the first that is known."""
    known = [node for node in nodes if node.type.name != "blank"]
    if not known:
        raise mismatch(
            nodes[0], {"en": "Cannot tell what kind of value null is here", "zh": "无法判断此处 null 的类型"}
        )
    type = known[0].type
    if type.name in ("rows", "list") or known[0].kind == "list":
        raise mismatch(known[0], {"en": "A list cannot be used here", "zh": "此处不能使用列表"})
    if type.name == "text" and any(node.type.name in ("date", "datetime") for node in known):
        type = DATE
    if type.name == "datetime" and any(node.type.name == "date" for node in known):
        type = DATE
    return [need(node, type) for node in nodes]


def widest(nodes: Sequence[Node]) -> ValueType:
    """The common type of nodes of one type; numbers keep the most decimals."""
    if nodes[0].type.name != "number":
        return nodes[0].type
    return number(max(node.type.decimals or 0 for node in nodes))


def as_date(node: Node) -> Node:
    """The calendar day of a date-time in the app's zone."""
    return Node("call", DATE, (node,), "TODATE", column=node.column) if node.type.name == "datetime" else node


def date_literal(node: Node) -> Node:
    try:
        day = date.fromisoformat(node.value)
        if day.isoformat() != node.value:
            raise ValueError
    except ValueError:
        raise ExpressionError(
            "date_format",
            {"en": 'Dates are written "YYYY-MM-DD"', "zh": '日期请写成 "YYYY-MM-DD"'},
            node.column,
            {"en": 'For example "2026-03-31"', "zh": '例如 "2026-03-31"'},
        ) from None
    return replace(node, type=DATE, value=day)


def identified(node: Node, type: ValueType) -> Node:
    """A text constant where somebody or a record is expected is an id; every other node stays as it is."""
    if not (type.is_reference and node.is_constant and node.type.name == "text"):
        return node
    id = id_in(node.value)
    if id is None:
        found = node.value[:60]
        raise ExpressionError(
            "id_format",
            {"en": f"“{found}” is no id of a {said(type, 'en')}", "zh": f"“{found}”不是{said(type, 'zh')}的编号"},
            node.column,
            COMPARE_A_FIELD,
        )
    return replace(node, type=type, value=id)


def _expected(found: ValueType, wanted: ValueType) -> Text:
    return {
        "en": f"Expected a {said(wanted, 'en')} here, found a {said(found, 'en')}",
        "zh": f"此处应为{said(wanted, 'zh')}，实际为{said(found, 'zh')}",
    }


def _way_out(found: ValueType, wanted: ValueType) -> Text:
    if wanted.name == "yes_no":
        return {"en": "Compare it with something, or use ISBLANK()", "zh": "请与某个值比较，或使用 ISBLANK()"}
    if wanted.name == "text" and found.name in ("number", "date", "datetime"):
        return {"en": "Use TEXT() to turn it into text", "zh": "请用 TEXT() 转换为文本"}
    if wanted.name == "text" and found.is_reference:
        return {"en": "Name a field of it, like owner.name", "zh": "请写出其字段，如 owner.name"}
    if wanted.name == "number" and found.name == "text":
        return {"en": "Use VALUE() to read a number from text", "zh": "请用 VALUE() 将文本转换为数字"}
    return ""
