"""From the flow as written to a flow that can run: every node checked, every name an id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines.action_type import CompiledAction, compile_actions
from engines.context import AppContext
from engines.flows.compiled import Block, CompiledFlow, CompiledNode, Occasions, walk
from engines.flows.coverage import coverage
from engines.flows.node_type import NodeContext, NodeType
from engines.flows.rights import FieldRights, RelatedRights
from metadata.conditions import text_of
from metadata.expressions import Expression, Scope, Template
from metadata.flows import TaskOptions
from metadata.problems import ROOT, Path, Problem, Problems
from metadata.text import Text
from metadata.value_types import YES_NO

MAXIMUM_NODES = 100  # L49
FLOW_ROOTS = frozenset({"record", "user", "today", "now"})
IMPLICIT_START = "n_start"


def compile_flows(definitions: Iterable[Any], context: AppContext, problems: Problems) -> dict[str, Any]:
    """Compile all flows of an app, by id."""
    compiled = (
        compile_flow(definition, context, problems, ROOT / "flows" / index)
        for index, definition in enumerate(definitions)
    )
    return {flow.id: flow for flow in compiled if flow is not None}


def compile_flow(definition: Any, context: AppContext, problems: Problems, path: Path = ROOT) -> CompiledFlow | None:
    """Compile one flow; None when its form is unknown (which the references already say)."""
    form = context.form_ids.get(definition.form)
    if form is None:
        return None
    place = NodeContext(
        app=context,
        scope=Scope(context.names, form, FLOW_ROOTS),
        problems=problems,
        path=path,
        form=form,
    )
    root = Block(_with_start(_nodes(definition.nodes, place.at("nodes")), context, path))
    nodes = {node.id: node for node, _, _ in walk(root)}
    _check_tree(root, nodes, place)
    condition = place.expression(text_of(definition.if_), "if", want=YES_NO) if definition.if_ else None
    flow = CompiledFlow(
        id=definition.key,
        name=definition.name,
        title=definition.caption,
        form=form,
        root=root,
        nodes=nodes,
        places={node.id: (block, index) for node, block, index in walk(root)},
        start=definition.start,
        enabled=definition.enabled and (condition is not None or not definition.if_),
        condition=condition,
        on=_occasions(definition, place),
        expressions=tuple(_expressions(nodes.values())),
        path=path,
    )
    return _with_warnings(flow, context)


def _nodes(definitions: Sequence[Any], context: NodeContext) -> tuple[CompiledNode, ...]:
    return tuple(_node(each, context.at(index)) for index, each in enumerate(definitions))


def _node(definition: Any, context: NodeContext) -> CompiledNode:
    kind: NodeType = context.app.kinds.nodes.get(definition.type)
    node_id = definition.key or _id_from(context.path)
    blocks = tuple(
        Block(_nodes(nodes, context.at(*place)), node_id, index, title)
        for index, (place, title, nodes) in enumerate(kind.branches(definition))
    )
    known = len(context.problems)
    config = kind.compile(definition, context)
    if len(context.problems) > known and context.app.makes_do:
        kind = context.app.stand_ins["node"](definition.type)  # it needs what is not installed
    return CompiledNode(
        id=node_id,
        name=definition.name or "",
        title=definition.caption,
        kind=kind,
        options=definition,
        config=config,
        path=context.path,
        blocks=blocks,
        rights=_rights(definition, context) if isinstance(definition, TaskOptions) else None,
    )


def _id_from(path: Path) -> str:
    return "n_" + "_".join(str(part) for part in path.parts if isinstance(part, int))


def _with_start(nodes: tuple[CompiledNode, ...], context: AppContext, path: Path) -> tuple[CompiledNode, ...]:
    """The nodes with a start in front; one that the author did not write limits nothing."""
    if nodes and nodes[0].kind.name == "start":
        return nodes
    kind = context.kinds.nodes.get("start")
    return (CompiledNode(IMPLICIT_START, "start", kind.title, kind, None, None, path / "nodes"), *nodes)


def _check_tree(root: Block, nodes: Mapping[str, CompiledNode], context: NodeContext) -> None:
    names: dict[str, CompiledNode] = {}
    for position, (node, _, _) in enumerate(walk(root)):
        if node.kind.name == "start" and position > 0:
            context.problems.add(node.path, "start_not_first", _START_NOT_FIRST)
        if node.name and names.setdefault(node.name, node) is not node:
            message = {"en": f"Two nodes are called “{node.name}”", "zh": f"有两个节点都叫“{node.name}”"}
            context.problems.add(node.path / "name", "duplicate_name", message)
        if nodes[node.id] is not node:
            message = {"en": f"Two nodes have the id “{node.id}”", "zh": f"有两个节点的 id 都是“{node.id}”"}
            context.problems.add(node.path / "id", "duplicate_id", message)
    if len(nodes) > MAXIMUM_NODES:
        message = {
            "en": f"The flow has {len(nodes)} nodes; at most {MAXIMUM_NODES} are possible",
            "zh": f"流程有 {len(nodes)} 个节点，最多允许 {MAXIMUM_NODES} 个",
        }
        limit = {"name": "nodes", "max": MAXIMUM_NODES, "actual": len(nodes)}
        context.problems.add(context.path / "nodes", "limit_exceeded", message, limit=limit)


def _occasions(definition: Any, context: NodeContext) -> Occasions:
    def actions(key: str) -> tuple[CompiledAction, ...]:
        return compile_actions(getattr(definition, key), context.at(key))

    return Occasions(
        start=actions("on_start"),
        approved=actions("on_approved"),
        rejected=actions("on_rejected"),
        returned=actions("on_returned"),
        withdrawn=actions("on_withdrawn"),
    )


# --- rights ---


def _rights(options: TaskOptions, context: NodeContext) -> FieldRights:
    modes: dict[str, Any] = {}
    form = context.form or ""
    written: list[tuple[str, str, tuple[str | int, ...]]] = [
        *((name, "write", ("edit", index)) for index, name in enumerate(options.edit)),
        *((name, mode, ("fields", name)) for name, mode in options.fields.items()),
    ]
    for name, mode, place in written:
        if name == "*":
            continue
        field = context.field(form, name, *place)
        if field is None:
            continue
        if mode in ("write", "required") and field.is_derived:
            message = {"en": f"“{name}” is computed; nobody writes it", "zh": f"“{name}”由系统计算，不能填写"}
            context.add("not_writable", message, *place)
            continue
        if mode in ("hidden", "read") and name in options.edit:
            context.add("written_and_not", _WRITTEN_AND_NOT, *place, hint=_ONE_RIGHT)
        modes[field.id] = mode
    others: Any = options.fields.get("*")
    if others in ("write", "required"):
        context.add("star_is_not_writable", _STAR, "fields", "*", hint=_STAR_HINT)
        others = "read"
    related = [_related(each, context.at("related", index)) for index, each in enumerate(options.related)]
    return FieldRights(modes, others, tuple(each for each in related if each is not None))


def _related(related: Any, context: NodeContext) -> RelatedRights | None:
    """The rights on the records that a path of links leads to."""
    form, links = context.form or "", []
    for step in related.link.split("."):
        field = context.field(form, step, "link")
        if field is None:
            return None
        if field.type.name != "link" or field.type.form is None:
            message = {"en": f"“{step}” is no link to a record", "zh": f"“{step}”不是关联记录字段"}
            context.add("not_a_link", message, "link")
            return None
        links.append(field.id)
        form = field.type.form
    fields = None
    if "*" not in related.fields:
        found = (context.field(form, name, "fields", index) for index, name in enumerate(related.fields))
        fields = frozenset(field.id for field in found if field is not None)
    return RelatedRights(form, tuple(links), fields, related.history)


# --- what the flow reads ---


def _expressions(nodes: Iterable[CompiledNode]) -> Iterator[Expression]:
    for node in nodes:
        yield from _in(node.config)


def _in(thing: Any) -> Iterator[Expression]:
    """Every expression in what a kind compiled, wherever it keeps it; actions gather their own."""
    if isinstance(thing, Expression):
        yield thing
    elif isinstance(thing, Template):
        yield from thing.expressions
    elif isinstance(thing, tuple | list):
        for each in thing:
            yield from _in(each)
    elif hasattr(thing, "__dataclass_fields__") and not isinstance(thing, CompiledAction):
        for name in thing.__dataclass_fields__:
            yield from _in(getattr(thing, name))


# --- warnings ---


def _with_warnings(flow: CompiledFlow, context: AppContext) -> CompiledFlow:
    warnings: list[Problem] = []
    for node in flow.nodes.values():
        if node.kind.chooses:
            warnings.extend(coverage(node, flow.form, context))
    return replace(flow, warnings=tuple(warnings))


_START_NOT_FIRST: Text = {"en": "The start stands first in the flow", "zh": "开始节点必须在流程最前面"}
_STAR: Text = {
    "en": "“*” can be hidden or read; what may be written is named field by field",
    "zh": "“*”只能设为隐藏或只读；可编辑的字段需逐个列出",
}
_STAR_HINT: Text = {"en": "List the fields in `edit`", "zh": "请在 edit 中列出字段"}
_WRITTEN_AND_NOT: Text = {
    "en": "This field is to be written by `edit`, and not to be written by `fields`",
    "zh": "该字段在 edit 中可编辑，在 fields 中却不可编辑",
}
_ONE_RIGHT: Text = {"en": "Leave it out of one of them", "zh": "请从其中一处删去"}
