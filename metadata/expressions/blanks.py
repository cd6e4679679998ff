"""Formulas that take blank numbers for zero, as spreadsheets do where their author asks for it."""

from collections.abc import Mapping
from dataclasses import replace

from metadata.expressions import building
from metadata.expressions.tree import Expression, Node

ZERO = building.literal(0)
# Where a number is asked whether it is blank, or is one of many to be summed up, it stays as it is.
KEPT: Mapping[str, tuple[int, ...]] = {"blank": (0,), "either": (0,), "aggregate": (1,)}


def blanks_as_zero(expression: Expression) -> Expression:
    """The expression in which every number field counts as zero while it is blank: as IFNULL(field, 0)."""
    return replace(expression, root=_zeroed(expression.root))


def _zeroed(node: Node) -> Node:
    kept = KEPT.get(node.kind, ())
    args = tuple(arg if place in kept and arg.kind == "field" else _zeroed(arg) for place, arg in enumerate(node.args))
    node = replace(node, args=args)
    return building.either(node, ZERO, node.column) if node.kind == "field" and node.type.name == "number" else node
