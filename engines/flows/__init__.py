"""The meaning of flows: a tree of nodes is compiled, and executed step by step without ever touching the world."""

from engines.flows.compile import compile_flow, compile_flows
from engines.flows.compiled import CompiledFlow, CompiledNode
from engines.flows.execute import execute
from engines.flows.rights import FieldRights, RelatedRights
from engines.flows.state import Outcome, Proceed, Retry, State
from engines.flows.tree import tree
from engines.flows.ways_back import returnable

__all__ = [
    "CompiledFlow",
    "CompiledNode",
    "FieldRights",
    "Outcome",
    "Proceed",
    "RelatedRights",
    "Retry",
    "State",
    "compile_flow",
    "compile_flows",
    "execute",
    "returnable",
    "tree",
]
