"""A compiled flow: a tree of blocks and nodes, checked once and then only read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engines.flows.rights import FieldRights
from metadata.problems import ROOT, Path, Problem
from metadata.text import Text

if TYPE_CHECKING:
    from engines.action_type import CompiledAction
    from engines.flows.node_type import NodeType
    from metadata.expressions import Expression


@dataclass(frozen=True)
class Block:
    """Nodes in order: the flow itself, or one branch of a node (`owner`, `index`)."""

    nodes: tuple["CompiledNode", ...] = ()
    owner: str | None = None
    index: int = 0
    title: Text = ""


@dataclass(frozen=True)
class CompiledNode:
    """A checked node: `options` as written, `config` what its kind made of them, `path` its place in the definition.

    `rights` says what the holder of one of its tasks may see and change, for nodes that give tasks.
    """

    id: str
    name: str
    title: Text
    kind: "NodeType"
    options: Any
    config: Any
    path: Path
    blocks: tuple[Block, ...] = ()
    rights: FieldRights | None = None


@dataclass(frozen=True)
class Occasions:
    """What is done when a flow is submitted (each time), ends, or goes back to its initiator."""

    start: tuple["CompiledAction", ...] = ()
    approved: tuple["CompiledAction", ...] = ()
    rejected: tuple["CompiledAction", ...] = ()
    returned: tuple["CompiledAction", ...] = ()
    withdrawn: tuple["CompiledAction", ...] = ()

    def at(self, moment: str) -> tuple["CompiledAction", ...]:
        found: tuple[CompiledAction, ...] = getattr(self, moment)
        return found


@dataclass(frozen=True)
class CompiledFlow:
    """A flow that can run. `places` tells for each node in which block it stands, and where in it.

    `condition` says for which records the flow is meant; `expressions` are all it may evaluate, so that their facts
    are gathered at once; `warnings` are what the branch checker found.
    """

    id: str
    name: str
    title: Text
    form: str
    root: Block
    nodes: Mapping[str, CompiledNode]
    places: Mapping[str, tuple[Block, int]]
    start: str = "submit"
    enabled: bool = True
    condition: "Expression | None" = None
    on: Occasions = field(default_factory=Occasions)
    expressions: tuple["Expression", ...] = ()
    warnings: tuple[Problem, ...] = ()
    path: Path = ROOT

    @property
    def first(self) -> CompiledNode:
        """The node from which the flow starts, and to which it returns for its initiator."""
        return self.root.nodes[0]

    def node(self, name: str) -> CompiledNode | None:
        """A node by id or name."""
        return self.nodes.get(name) or next((each for each in self.nodes.values() if each.name == name), None)

    def owners(self, node: str) -> Iterator[tuple[str, int]]:
        """The nodes in whose branches a node stands, with the branch, from the inside out."""
        block, _ = self.places[node]
        while block.owner is not None:
            yield block.owner, block.index
            block, _ = self.places[block.owner]

    def in_order(self) -> list[str]:
        """All nodes as a reader meets them."""
        return list(self.nodes)


def walk(block: Block) -> Iterator[tuple[CompiledNode, Block, int]]:
    """Every node of a block and below, in reading order, with its place."""
    for index, node in enumerate(block.nodes):
        yield node, block, index
        for inner in node.blocks:
            yield from walk(inner)
