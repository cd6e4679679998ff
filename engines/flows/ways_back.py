"""Where a task may send a flow back to, and what goes on beside it meanwhile."""

from collections.abc import Mapping

from engines.flows.compiled import CompiledFlow, CompiledNode
from engines.flows.state import State


def returnable(flow: CompiledFlow, state: State, node: str) -> list[CompiledNode]:
    """The earlier approvals that a task at this node may send the flow back to, in reading order."""
    order = flow.in_order()
    earlier = order[: order.index(node)]
    around = {owner for owner, _ in flow.owners(node)}
    return [
        flow.nodes[each]
        for each in earlier
        if flow.nodes[each].kind.gives_tasks
        and each != flow.first.id
        and state.marks.get(each, {}).get("state") == "done"
        and all(owner in around or not flow.nodes[owner].kind.joins for owner, _ in flow.owners(each))
        and _same_branches(flow, each, node)
    ]


def _same_branches(flow: CompiledFlow, one: str, other: str) -> bool:
    """Whether the two stand in the same branch of every parallel that holds both."""
    branches = dict(flow.owners(other))
    return all(
        branches[owner] == index
        for owner, index in flow.owners(one)
        if owner in branches and flow.nodes[owner].kind.joins
    )


def goes_on(flow: CompiledFlow, node: str, kept: Mapping[str, int]) -> bool:
    """Whether a node stands in another branch of a parallel that goes on meanwhile, or is that parallel itself."""
    if node in kept:
        return True
    return any(owner in kept and kept[owner] != index for owner, index in flow.owners(node))
