"""Functions over the rows of a subform: SUM(items.amount), SUM(r.qty * r.price for r in items if r.ok)."""

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metadata.expressions import building, fitting, limits
from metadata.expressions.errors import ExpressionError
from metadata.expressions.signatures import Function, find
from metadata.expressions.tree import Node
from metadata.value_types import YES_NO, ValueType, link

if TYPE_CHECKING:
    from metadata.expressions.check import Checker

ALWAYS = Node("literal", YES_NO, value=True)
SUM_DIGITS = 4
COUNT_DIGITS = 7


@dataclass(frozen=True)
class OpenLoop:
    """The rows that columns stand for at present, when the loop is not spelt out: SUM(items.qty * items.price)."""

    rows: Node
    root: str


class Aggregates:
    """The part of the checker that knows rows."""

    def __init__(self, checker: "Checker") -> None:
        self.checker = checker
        self.open: list[OpenLoop] = []
        self.depth = 0
        self.count = 0

    def applies(self, args: list[ast.expr], function: Function) -> bool:
        """Whether a function that also takes single values (MIN, MAX) is used over rows here."""
        if not args:
            return False
        first = args[0]
        if isinstance(first, ast.GeneratorExp | ast.ListComp):
            return True
        if function.parameters:
            return len(args) == 1 and self._rows_in(first) is not None
        leaf = self.checker.names.leaves.get(first)
        return self._rows_in(first) is not None or (leaf is not None and leaf.type.name in ("rows", "list"))

    def as_row_value(self, leaf: Node) -> Node:
        """A column inside an open loop is the value of the row at hand."""
        if leaf.kind == "column":
            for loop in reversed(self.open):
                if loop.rows == _without_column(leaf.args[0]):
                    of = leaf.type.of or leaf.type
                    root = Node("root", link(loop.rows.type.form or ""), value=loop.root)
                    return Node("field", of, (root,), leaf.value, leaf.magnitude, leaf.column)
        return leaf

    def build(self, function: Function, args: list[ast.expr], column: int) -> Node:
        first = args[0]
        conditional = function.aggregate == "sumif"
        if len(args) != (2 if conditional else 1):
            raise _wrong_arguments(function, column)
        if isinstance(first, ast.GeneratorExp | ast.ListComp):
            return self._spelt_out(function, first, args[1:], column)
        leaf = self.checker.names.leaves.get(first)
        if leaf is not None and leaf.type.name == "rows":
            return self._of_rows(function, leaf, column)
        if leaf is not None and leaf.kind != "column" and leaf.type.name == "list":
            return self._of_list(function, leaf, column)
        return self._implied(function, first, args[1:], column)

    # --- the three ways to name the rows ---

    def _spelt_out(
        self, function: Function, node: ast.GeneratorExp | ast.ListComp, more: list[ast.expr], column: int
    ) -> Node:
        loop = self.checker.names.loops[node]
        rows = self.checker.visit(node.generators[0].iter)
        self._refuse_function_name(loop.name, column)
        self._enter(column)
        element = self.checker.visit(node.elt)
        conditions = [self.checker.value(part) for part in (*node.generators[0].ifs, *more)]
        self.depth -= 1
        return _aggregate(function, rows, element, conditions, loop.root, column)

    def _implied(self, function: Function, element: ast.expr, more: list[ast.expr], column: int) -> Node:
        rows = self._rows_in(element)
        if rows is None:
            raise _wrong_arguments(function, column)
        self._enter(column)
        self.count += 1
        loop = OpenLoop(rows, f"each{self.count}")
        self.open.append(loop)
        checked = self.checker.value(element)
        conditions = [self.checker.value(part) for part in more]
        self.open.pop()
        self.depth -= 1
        return _aggregate(function, rows, checked, conditions, loop.root, column)

    def _of_rows(self, function: Function, rows: Node, column: int) -> Node:
        if function.aggregate != "count":
            raise ExpressionError(
                "type_mismatch",
                {"en": f"{function.name}() needs a field of the rows", "zh": f"{function.name}() 需要明细行的某个字段"},
                column,
                {"en": f"Write {function.name}(items.amount)", "zh": f"请写 {function.name}(items.amount)"},
            )
        self.count += 1
        return _aggregate(function, _without_column(rows), ALWAYS, [], f"each{self.count}", column)

    def _of_list(self, function: Function, values: Node, column: int) -> Node:
        if function.aggregate != "count":
            raise fitting.mismatch(
                values,
                {"en": f"{function.name}() does not apply to a list", "zh": f"{function.name}() 不适用于列表"},
                {"en": "Use COUNT(), HASANY() or in", "zh": "请使用 COUNT()、HASANY() 或 in"},
            )
        return Node("length", building.WHOLE, (values,), None, COUNT_DIGITS, column)

    # --- details ---

    def _rows_in(self, element: ast.expr) -> Node | None:
        """The subform whose columns an element names, when it is one."""
        leaves = (self.checker.names.leaves.get(node) for node in ast.walk(element))
        for leaf in leaves:
            if leaf is not None and leaf.kind == "column":
                return _without_column(leaf.args[0])
        return None

    def _enter(self, column: int) -> None:
        if self.depth >= limits.LOOP_NESTING:
            raise ExpressionError("expression_limit", {"en": "Loops nest too deep", "zh": "循环嵌套过深"}, column)
        self.depth += 1

    def _refuse_function_name(self, name: str, column: int) -> None:
        if find(self.checker.functions, name) is not None:
            raise ExpressionError(
                "name_taken",
                {"en": f"“{name}” is the name of a function", "zh": f"“{name}”是函数名称"},
                column,
                {"en": "Take another name for the loop", "zh": "请为循环换一个名称"},
            )


def _aggregate(function: Function, rows: Node, element: Node, conditions: list[Node], loop: str, column: int) -> Node:
    kind = function.aggregate
    if element.kind == "root":
        if kind != "count":
            raise fitting.mismatch(element, {"en": "A row is no value", "zh": "明细行不能直接作为值使用"})
        element = ALWAYS
    condition = building.all_of(conditions) if conditions else ALWAYS
    kind, element, condition, type, magnitude = _typed(kind, element, condition)
    return building.limited(Node("aggregate", type, (rows, element, condition), kind, magnitude, column, loop))


def _typed(kind: str, element: Node, condition: Node) -> tuple[str, Node, Node, ValueType, int]:
    """Kind, element, condition, type and size of the result."""
    if kind in ("any", "all"):
        return kind, fitting.need(element, YES_NO), condition, YES_NO, 0
    if kind == "countif":
        both = [fitting.need(element, YES_NO)] + ([condition] if condition != ALWAYS else [])
        return "count", ALWAYS, building.all_of(both), building.WHOLE, COUNT_DIGITS
    if kind == "count":
        return kind, _countable(element), condition, building.WHOLE, COUNT_DIGITS
    if kind in ("min", "max") and element.type.name in ("date", "datetime"):
        return kind, element, condition, element.type, 0
    element = fitting.need(element, building.NUMBER)
    if kind in ("sum", "sumif"):
        return "sum", element, condition, element.type, element.magnitude + SUM_DIGITS
    type = building.NUMBER if kind == "avg" else element.type
    return kind, element, condition, type, element.magnitude + SUM_DIGITS


def _countable(element: Node) -> Node:
    if element.type.name == "yes_no" and element.kind not in ("literal", "field"):
        raise fitting.mismatch(
            element,
            {"en": "COUNT() counts values, not conditions", "zh": "COUNT() 计数的是值，不是条件"},
            {"en": "Use COUNTIF()", "zh": "请使用 COUNTIF()"},
        )
    return element


def _without_column(rows: Node) -> Node:
    """The same rows wherever they were named, so that two mentions are equal."""
    return replace(rows, column=0, args=tuple(_without_column(arg) for arg in rows.args))


def _wrong_arguments(function: Function, column: int) -> ExpressionError:
    name = function.name
    form = f"{name}(items.amount, items.ok)" if function.aggregate == "sumif" else f"{name}(items.amount)"
    return ExpressionError(
        "argument_count",
        {"en": f"{name}() takes a field of the rows of a subform", "zh": f"{name}() 的参数是子表单明细行的字段"},
        column,
        {
            "en": f"Write {form} or {name}(r.amount for r in items if …)",
            "zh": f"请写 {form} 或 {name}(r.amount for r in items if …)",
        },
    )
