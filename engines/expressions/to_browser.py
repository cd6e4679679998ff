"""The browser target: a checked expression as a JSON tree that static/js/formula.js walks, without eval."""

from datetime import date
from decimal import Decimal
from typing import Any

from engines.expressions.arithmetic import plain
from engines.expressions.evaluate import function_kind
from engines.expressions.not_pushable import NotPushable
from metadata.expressions import Expression, Node


def to_browser(expression: Expression) -> dict[str, Any]:
    """The tree as JSON; raises NotPushable for what only the server can work out."""
    return _tree(expression.root)


def _tree(node: Node) -> dict[str, Any]:
    if node.kind == "call" and not function_kind(node.value).in_browser:
        raise NotPushable({"en": f"{node.value}() runs on the server only", "zh": f"{node.value}() 只能在服务器计算"})
    tree: dict[str, Any] = {"kind": node.kind, "type": node.type.name}
    if node.value is not None:
        tree["value"] = str(node.value) if node.type.is_reference else _value(node.value)
    if node.args:
        tree["args"] = [_tree(arg) for arg in node.args]
    if node.loop:
        tree["loop"] = node.loop
    if node.type.form is not None:
        tree["form"] = node.type.form
    if node.type.of is not None:
        tree["of"] = node.type.of.name
    return tree


def _value(value: Any) -> Any:
    """Numbers and dates as text, as ids are, so that none becomes a float or a local time on the way."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value
