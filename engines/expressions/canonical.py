"""The canonical form of a checked tree: Python syntax of names, constants, calls, and/or, if and one comprehension."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metadata.expressions import Node

HELPERS = {
    "+": "_add",
    "-": "_subtract",
    "*": "_multiply",
    "/": "_divide",
    "%": "_modulo",
    "==": "_equal",
    "<": "_less",
    "<=": "_at_most",
    ">": "_more",
    ">=": "_at_least",
    "negate": "_negate",
    "not": "_not",
    "in": "_in",
    "blank": "_blank",
    "either": "_either",
    "smallest": "_smallest",
    "largest": "_largest",
    "join": "_join",
    "length": "_length",
}
EMPTY = {"text": "", "yes_no": False, "list": (), "rows": ()}
WANTS: dict[str, tuple[str, ...]] = {"TODAY": (), "NOW": ()}
OUTER = ("record", "row", "old", "user")  # roots that stay the same for a whole evaluation


@dataclass(frozen=True)
class Read:
    """A value that is taken out of a root before the evaluation, with what stands for a blank."""

    root: str
    field: str
    blank: Any


@dataclass(frozen=True)
class Canonical:
    """A statement for asteval, and the values it names: `_record.f_amount` is a name, not a way into an object."""

    statement: ast.Expr
    reads: Mapping[str, Read]


def canonical(node: Node, wants: dict[str, tuple[str, ...]]) -> Canonical:
    """The tree as one statement for asteval; `wants` names the constants that functions take besides arguments."""
    writer = _Writer(wants)
    return Canonical(ast.fix_missing_locations(ast.Expr(value=writer.write(node))), writer.reads)


class _Writer:
    def __init__(self, wants: dict[str, tuple[str, ...]]) -> None:
        self.wants = wants
        self.reads: dict[str, Read] = {}

    def write(self, node: Node) -> ast.expr:
        write = getattr(self, f"write_{node.kind}", None)
        if write is not None:
            written: ast.expr = write(node)
            return written
        return _call(HELPERS[node.kind], *map(self.write, node.args))

    def write_literal(self, node: Node) -> ast.expr:
        return _constant(node.value)

    def write_list(self, node: Node) -> ast.expr:
        return _constant(tuple(item.value for item in node.args))

    def write_root(self, node: Node) -> ast.expr:
        return _name(f"_{node.value}")

    def write_extra(self, node: Node) -> ast.expr:
        return _call("_get", _name("_extras"), _constant(node.value), _constant(EMPTY.get(node.type.name)))

    def write_identity(self, node: Node) -> ast.expr:
        return self.taken(node.args[0], "id", None)

    def write_field(self, node: Node) -> ast.expr:
        base, blank = node.args[0], EMPTY.get(node.type.name)
        if base.kind == "root":
            return self.taken(base, node.value, blank)
        return _call("_get", self.followed(base), _constant(node.value), _constant(blank))

    def taken(self, root: Node, field: str, blank: Any) -> ast.expr:
        """A field of a root: known before the evaluation begins, unless the root is the row of a loop."""
        if root.value not in OUTER:
            return _call("_get", self.write(root), _constant(field), _constant(blank))
        name = f"_{root.value}.{field}"
        self.reads[name] = Read(root.value, field, blank)
        return _name(name)

    def followed(self, base: Node) -> ast.expr:
        """Where the value of a path leads."""
        return _call("_follow", _constant(base.type.name), _constant(base.type.form), self.write(base))

    def write_and(self, node: Node) -> ast.expr:
        return ast.BoolOp(op=ast.And(), values=[self.write(arg) for arg in node.args])

    def write_or(self, node: Node) -> ast.expr:
        return ast.BoolOp(op=ast.Or(), values=[self.write(arg) for arg in node.args])

    def write_if(self, node: Node) -> ast.expr:
        test, body, orelse = map(self.write, node.args)
        return ast.IfExp(test=test, body=body, orelse=orelse)

    def write_compare(self, node: Node) -> ast.expr:
        return _call(HELPERS[node.value], *map(self.write, node.args))

    def write_call(self, node: Node) -> ast.expr:
        if node.value in WANTS:
            return _name(f"_{node.value.lower()}")
        hidden = [_name(f"_{constant}") for constant in self.wants.get(node.value, ())]
        return _call(node.value, *map(self.write, node.args), *hidden)

    def write_aggregate(self, node: Node) -> ast.expr:
        rows, element, condition = node.args
        loop = f"_{node.loop}"
        work = _constant(element.size() + condition.size())
        clause = ast.comprehension(
            target=ast.Name(id=loop, ctx=ast.Store()),
            iter=_call("_rows", self.write(rows), work),
            ifs=[] if condition.is_constant and condition.value else [self.write(condition)],
            is_async=0,
        )
        return _call(f"_{node.value}", ast.ListComp(elt=self.write(element), generators=[clause]))


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _constant(value: Any) -> ast.expr:
    return ast.Constant(value=value)


def _call(function: str, *args: ast.expr) -> ast.expr:
    return ast.Call(func=_name(function), args=list(args), keywords=[])
