"""Row scopes fail closed: where access depends on a comparison, a blank side never opens anything."""

from dataclasses import replace

from metadata.expressions import building
from metadata.expressions.tree import Expression, Node


def fail_closed(expression: Expression) -> Expression:
    """The condition in which == and != are false when a side is blank; only the word null finds blanks.

    Two blanks are equal elsewhere, but a user without a department must not see all records without one.
    """
    return replace(expression, root=_closed(expression.root))


def _closed(node: Node) -> Node:
    comparison = node.args[0] if node.kind == "not" else node
    if comparison.kind == "compare" and comparison.value == "==":
        left, right = (_closed(arg) for arg in comparison.args)
        whole = replace(comparison, args=(left, right))
        filled = [_filled(side) for side in (left, right) if side.type.name != "yes_no"]
        return building.all_of([*filled, building.negation(whole) if node.kind == "not" else whole], node.column)
    return replace(node, args=tuple(_closed(arg) for arg in node.args))


def _filled(side: Node) -> Node:
    return building.negation(building.blank(side))
