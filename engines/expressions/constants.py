"""What of an expression is the same for every row: worked out once, before SQL is made of the rest."""

from dataclasses import replace

from engines.expressions.environment import Environment, MissingFact, Moment
from engines.expressions.evaluate import evaluate_node
from engines.expressions.not_pushable import NotPushable
from engines.facts import Facts
from metadata.expressions import EvaluationError, Node

KNOWN_ROOTS = {"user"}
LEAVES = {"literal", "list"}


def fold(node: Node, moment: Moment) -> Node:
    """The tree with the constants of the request put in as literals."""
    environment = Environment({}, Facts(now=moment.now, zone=moment.zone), extras=moment.extras, moment=moment)
    return _fold(node, environment)


def _fold(node: Node, environment: Environment) -> Node:
    if node.kind in LEAVES or node.kind == "root":
        return node
    if _is_constant(node):
        return _literal(node, environment)
    return replace(node, args=tuple(_fold(arg, environment) for arg in node.args))


def _is_constant(node: Node) -> bool:
    return all(each.kind != "root" or each.value in KNOWN_ROOTS for each in node.walk())


def _literal(node: Node, environment: Environment) -> Node:
    try:
        value = evaluate_node(node, environment)
    except (EvaluationError, MissingFact):
        raise NotPushable({"en": "A value of it is only known on the server", "zh": "其中有只能逐行计算的值"}) from None
    return Node("literal", node.type, (), value, node.magnitude, node.column)
