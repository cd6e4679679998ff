"""How large the SQL of an expression would become, told before it is written.

Some SQL forms name an argument several times, and nesting multiplies that; SQLite's parser gives up on deep nesting
(its stack has a hundred places). What would be too large is evaluated row by row instead.
"""

from engines.expressions.evaluate import function_kind
from engines.expressions.not_pushable import NotPushable
from metadata.expressions import Node

MOST_STEPS = 3_000
MOST_PLACES = 60  # of SQLite's hundred: the statement around the expression needs some too
PLACES = {"if": 6, "either": 7, "aggregate": 12, "compare": 5, "in": 6}
DEFAULT_PLACES = 3
LATER_ARGUMENT = 2


def require_modest(root: Node, dialect: str) -> None:
    """Refuse what would make a statement that takes long to write or that SQLite cannot read."""
    if steps(root) > MOST_STEPS or (dialect == "sqlite" and places(root) > MOST_PLACES):
        raise NotPushable({"en": "The expression is too large for a query", "zh": "表达式过大，无法在查询中计算"})


def steps(node: Node) -> int:
    """How many steps the SQL has, repeated arguments counted each time."""
    return 1 + repeats(node) * sum(steps(arg) for arg in node.args)


def repeats(node: Node) -> int:
    """How often the SQL form names its arguments."""
    if node.kind == "call":
        return function_kind(node.value).repeats
    if node.kind == "in" and node.args[1].kind == "list":
        return max(2, len(node.args[1].args)) if node.args[0].type.name == "number" else 2
    return 3 if node.kind == "%" else 1


def places(node: Node, chained: bool = False) -> int:
    """How deep SQLite's parser has to go; a chain of ifs is one CASE, however long."""
    own = 0 if chained else PLACES.get(node.kind, DEFAULT_PLACES)
    below = 0
    for place, arg in enumerate(node.args):
        goes_on = node.kind == arg.kind == "if" and place == 2
        below = max(below, places(arg, goes_on) + (LATER_ARGUMENT if place and not goes_on else 0))
    return own + below
