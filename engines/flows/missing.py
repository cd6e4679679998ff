"""A step of a flow whose kind is not installed, or needs one that is not: whoever comes to it waits."""

from engines.action_type import KindMissing
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeEvent, NodeType, Step, Token, Visit, incident, wait
from engines.flows.state import MemberLeft
from metadata.missing import Kept


class MissingNode(NodeType):
    """Stops the flow as an incident; what waited here when the kind went away keeps its tasks and its moment."""

    stands_in = True
    icon = "alert-triangle"
    Options = Kept

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]
        self.title = KindMissing(name).reason  # type: ignore[misc]

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        return incident(KindMissing(self.name).reason)

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        if isinstance(event, MemberLeft):
            return wait(token)
        raise KindMissing(self.name)
