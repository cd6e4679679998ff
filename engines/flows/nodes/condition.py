"""Condition: the first branch whose condition holds is taken, the `else` when none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from engines.expressions import Environment, evaluate
from engines.expressions.words import in_words
from engines.flows.compiled import CompiledNode
from engines.flows.explain import terms
from engines.flows.node_type import NodeContext, NodeEvent, NodeType, Step, Token, Visit, go_into, go_on
from engines.titles import THE_INITIATOR, titles_in
from metadata.conditions import text_of
from metadata.expressions import Expression
from metadata.flows import Branch
from metadata.registry import Options as BaseOptions
from metadata.text import Text, say
from metadata.value_types import YES_NO

MAXIMUM_BRANCHES = 10  # L49


@dataclass(frozen=True)
class CompiledBranch:
    """A branch, checked: its condition (None for the else), and what is written over it."""

    condition: Expression | None
    words: Text


class Condition(NodeType):
    """Ordered branches with a mandatory else, so that a record never falls between two stools."""

    name = "condition"
    title = {"en": "Condition", "zh": "条件分支"}
    icon = "git-branch"
    chooses = True

    class Options(BaseOptions):
        """The branches in the order in which they are tried; the last one is the else."""

        branches: Annotated[tuple[Branch, ...], Field(min_length=1, max_length=MAXIMUM_BRANCHES)]

    def compile(self, options: Any, context: NodeContext) -> tuple[CompiledBranch, ...]:
        _require_else(options.branches, context)
        return tuple(_compile(branch, context.at("branches", index)) for index, branch in enumerate(options.branches))

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        environment = Environment(record=visit.record, facts=visit.as_initiator())
        looked = []
        for index, condition in enumerate(branch.condition for branch in node.config):
            holds = condition is None or evaluate(condition, environment) is True
            if condition is not None:
                looked.append({"if": condition.text, "holds": holds, "terms": terms(condition, environment)})
            if holds:
                return go_into([index], {"branch": index}, branch=index, looked=looked)
        raise AssertionError("a condition has an else")

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        return go_on(branch=token["branch"])

    def box(self, node: CompiledNode, language: str) -> dict[str, Any]:
        captions = [say(branch.words, language) for branch in node.config]
        return {**super().box(node, language), "captions": captions}

    def sentence_of(self, node: CompiledNode, language: str) -> str:
        return say({"en": "The first condition that holds", "zh": "进入第一个成立的分支"}, language)

    def sentence(self, options: Any, language: str) -> str:
        first = " → ".join(text_of(branch.if_) for branch in options.branches if branch.if_)
        return say({"en": f"By condition: {first}, else", "zh": f"按条件：{first}，否则"}, language)


def _compile(branch: Branch, context: NodeContext) -> CompiledBranch:
    if branch.if_ is None:
        return CompiledBranch(None, branch.title or _OTHERWISE)
    condition = context.expression(text_of(branch.if_), "if", want=YES_NO)
    words = in_words(condition, titles_in(context.app, THE_INITIATOR)) if condition is not None else ""
    return CompiledBranch(condition, branch.title or words)


_OTHERWISE: Text = {"en": "Otherwise", "zh": "其他情况"}


def _require_else(branches: Sequence[Branch], context: NodeContext) -> None:
    for index, branch in enumerate(branches):
        is_last = index == len(branches) - 1
        if branch.if_ is not None and branch.else_:
            context.add("if_and_else", _IF_AND_ELSE, "branches", index, hint=_ONE_OF_THEM)
        elif branch.if_ is None and not branch.else_:
            context.add("branch_without_if", _WITHOUT_IF, "branches", index, hint=_ONE_OF_THEM)
        elif branch.else_ and not is_last:
            context.add("else_not_last", _ELSE_NOT_LAST, "branches", index, hint=_MOVE_ELSE)
        elif is_last and not branch.else_:
            context.add("else_missing", _ELSE_MISSING, "branches", hint=_ADD_ELSE)


_IF_AND_ELSE = {"en": "A branch has either an `if` or is the `else`", "zh": "分支要么有 if，要么是 else"}
_WITHOUT_IF = {"en": "This branch does not say when it is taken", "zh": "该分支没有说明何时进入"}
_ONE_OF_THEM = {
    "en": 'Write an "if" with a condition, or "else": true in the last branch',
    "zh": '请写 "if" 条件，或在最后一个分支写 "else": true',
}
_ELSE_NOT_LAST = {
    "en": "The else comes last; what follows is never reached",
    "zh": "else 必须在最后，其后的分支永远不会进入",
}
_MOVE_ELSE = {"en": "Move the else to the end", "zh": "请把 else 移到最后"}
_ELSE_MISSING = {
    "en": "The condition has no else: a record for which no branch holds could not go on",
    "zh": "条件分支缺少 else：没有分支成立的记录将无法继续",
}
_ADD_ELSE = {
    "en": 'Add {"else": true, "nodes": []} as the last branch',
    "zh": '请在最后添加 {"else": true, "nodes": []}',
}
