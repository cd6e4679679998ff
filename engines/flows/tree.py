"""A flow as it is drawn: boxes in a tree, each with how far it is; data for the pages, no markup."""

from collections.abc import Mapping
from typing import Any

from engines.flows.compiled import Block, CompiledFlow, CompiledNode
from engines.flows.state import State
from metadata.text import say


def tree(flow: CompiledFlow, state: State | None, language: str) -> list[dict[str, Any]]:
    """The boxes of a flow; with a state each tells whether it is done, doing, stuck, skipped, or todo."""
    marks = state.marks if state is not None else None
    ended = state is not None and not state.is_open
    return _boxes(flow.root, marks, ended, language)


def _boxes(
    block: Block, marks: Mapping[str, Mapping[str, Any]] | None, ended: bool, language: str
) -> list[dict[str, Any]]:
    return [_box(node, marks, ended, language) for node in block.nodes]


def _box(
    node: CompiledNode, marks: Mapping[str, Mapping[str, Any]] | None, ended: bool, language: str
) -> dict[str, Any]:
    box = node.kind.box(node, language)
    if marks is not None:
        mark = marks.get(node.id, {})
        box["state"] = mark.get("state", "skipped" if ended else "todo")
        box |= {key: mark[key] for key in ("since", "until", "outcome") if mark.get(key) is not None}
    captions = box.pop("captions", None)
    if node.blocks:
        box["branches"] = [
            {
                "title": captions[block.index] if captions else _title(block, language),
                "nodes": _boxes(block, marks, ended, language),
                **({} if marks is None else {"state": _branch_state(block, marks, box["state"])}),
            }
            for block in node.blocks
        ]
    return box


def _title(block: Block, language: str) -> str:
    number = block.index + 1
    return say(block.title, language) or (f"分支 {number}" if language == "zh" else f"Branch {number}")


def _branch_state(block: Block, marks: Mapping[str, Mapping[str, Any]], around: str) -> str:
    """How far a branch is, told from its nodes; an empty one is as far as the node it belongs to."""
    states = [marks.get(node.id, {}).get("state", "todo") for node in block.nodes]
    if not states:
        return around
    for state in ("stuck", "doing"):
        if state in states:
            return state
    if all(state == "skipped" for state in states):
        return "skipped"
    return (
        "done" if all(state in ("done", "skipped") for state in states) else "todo" if "done" not in states else "doing"
    )
