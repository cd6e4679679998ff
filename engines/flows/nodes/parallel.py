"""Parallel: several branches at once; the flow goes on when the last of them is done."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from engines.flows.compiled import CompiledNode
from engines.flows.node_type import (
    BlockDone,
    NodeContext,
    NodeEvent,
    NodeType,
    Step,
    Token,
    Visit,
    go_into,
    go_on,
    wait,
)
from metadata.flows import AnyNode
from metadata.normalise import Words
from metadata.registry import Options as BaseOptions
from metadata.text import Text, say

MAXIMUM_BRANCHES = 10  # L49


class ParallelBranch(BaseOptions):
    """One of the ways that are gone at the same time."""

    title: Words | None = None
    nodes: tuple[AnyNode, ...] = ()


class Parallel(NodeType):
    """Walks all its branches and always joins."""

    name = "parallel"
    title = {"en": "Parallel", "zh": "并行"}
    icon = "git-merge"
    joins: ClassVar[bool] = True

    class Options(BaseOptions):
        """The branches, from left to right."""

        branches: Annotated[tuple[ParallelBranch, ...], Field(min_length=1, max_length=MAXIMUM_BRANCHES)]

    def compile(self, options: Any, context: NodeContext) -> None:
        if len(options.branches) < 2:
            context.add("too_few_branches", _TOO_FEW, "branches", hint=_ADD_ONE)

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        return go_into(range(len(node.blocks)), {"arrived": []})

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        assert isinstance(event, BlockDone)
        arrived = sorted({*token["arrived"], event.index})
        return go_on(arrived=arrived) if len(arrived) == len(node.blocks) else wait({"arrived": arrived})

    def sentence(self, options: Any, language: str) -> str:
        count = len(options.branches)
        return say({"en": f"{count} branches at the same time", "zh": f"{count} 个分支同时进行"}, language)


_TOO_FEW: Text = {"en": "A parallel has at least two branches", "zh": "并行节点至少要有两个分支"}
_ADD_ONE: Text = {"en": "Add a branch, or move its nodes out", "zh": "请添加分支，或将节点移出"}
