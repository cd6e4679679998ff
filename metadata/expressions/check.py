"""The front door of the language: from text to a checked expression."""

import ast
from typing import Any

from metadata.expressions import building, fitting, limits
from metadata.expressions.aggregates import Aggregates
from metadata.expressions.errors import ExpressionError
from metadata.expressions.names import Loop, Resolution, resolve
from metadata.expressions.scope import Scope
from metadata.expressions.signatures import Function, find, unknown_function
from metadata.expressions.syntax import Syntax, parse
from metadata.expressions.tree import Expression, Node, Read
from metadata.expressions.words import said
from metadata.registry import Registry
from metadata.text import Text
from metadata.value_types import BLANK, ValueType

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def check(text: str, scope: Scope, functions: Registry[Any], want: ValueType | None = None) -> Expression:
    """Check the text where it stands; raises ExpressionError with the column, a sentence and a hint."""
    return check_within(text, scope, functions, want)


def check_within(
    text: str, scope: Scope, functions: Registry[Any], want: ValueType | None = None, loops: tuple[Loop, ...] = ()
) -> Expression:
    """Check an expression of a template: the names of the loops around it are known."""
    syntax = parse(text)
    names = resolve(syntax, scope, loops)
    root = Checker(syntax, names, functions).visit(syntax.body)
    root = _fit(root, want)
    if not scope.holds_ids:
        _refuse_ids(root)
    names.reads |= _old_reads(root, scope)
    type = root.type
    if any(node.type.volatile for node in root.walk()):
        type = type.as_volatile()
    around = tuple((loop.root, loop.rows) for loop in loops)
    return Expression(text, root, type, frozenset(names.reads), tuple(names.spans), around)


def _old_reads(root: Node, scope: Scope) -> set[Read]:
    """What functions like CHANGED() read of the values before; refused where there is no before."""
    olds = [node for node in root.walk() if node.kind == "root" and node.value == "old"]
    if olds and "old" not in scope.roots:
        raise ExpressionError(
            "unknown_field",
            {
                "en": "The value before can be read in rules and validations only",
                "zh": "只有规则和校验中才能读取变更前的值",
            },
            olds[0].column,
        )
    fields = (node for node in root.walk() if node.kind in ("field", "identity") and node.args[0] in olds)
    return {("old", node.value or "id") for node in fields}


def _refuse_ids(root: Node) -> None:
    """A definition travels from one installation to the next, and the ids of people and records do not."""
    for node in root.walk():
        if node.is_constant and node.type.is_reference and node.value is not None:
            raise ExpressionError(
                "id_in_definition",
                {
                    "en": f"A definition cannot name a {said(node.type, 'en')} by its id",
                    "zh": f"定义中不能用编号指定{said(node.type, 'zh')}",
                },
                node.column,
                {
                    "en": "Compare a field of it, like customer.name, or user; ids differ between installations",
                    "zh": "请比较其字段，如 customer.name，或与 user 比较；各安装环境的编号不同",
                },
            )


def _fit(root: Node, want: ValueType | None) -> Node:
    if root.kind in ("list", "column"):
        raise fitting.mismatch(
            root,
            {"en": "The expression gives a list, not a single value", "zh": "表达式的结果是列表，不是单个值"},
            {"en": "Use SUM(), COUNT(), any() …", "zh": "请使用 SUM()、COUNT()、any() 等"},
        )
    if want is None or (root.type.name == "blank" and want == BLANK):
        return root
    if want.name == "datetime" and root.type.name == "date":
        return root
    return fitting.need(root, want)


class Checker:
    """Gives each syntax node its typed node; names come resolved."""

    def __init__(self, syntax: Syntax, names: Resolution, functions: Registry[Any]) -> None:
        self.syntax = syntax
        self.names = names
        self.functions = functions
        self.aggregates = Aggregates(self)

    def visit(self, node: ast.AST) -> Node:
        if isinstance(node, ast.Name | ast.Attribute):
            return self.aggregates.as_row_value(self.names.leaves[node])
        visit = getattr(self, "visit_" + type(node).__name__)
        checked: Node = visit(node)
        return checked

    def value(self, node: ast.AST) -> Node:
        """A node that is a value by itself, not a bare row."""
        checked = self.visit(node)
        if checked.kind == "root":
            raise fitting.mismatch(
                checked,
                {"en": "A row is no value", "zh": "明细行不能直接作为值使用"},
                {"en": "Name a field of the row", "zh": "请写出该行的字段"},
            )
        return checked

    # --- values ---

    def visit_Constant(self, node: ast.Constant) -> Node:
        column = self.syntax.column(node)
        return building.literal(self.syntax.numbers.get(node, node.value), column)

    def visit_List(self, node: ast.List | ast.Tuple) -> Node:
        column = self.syntax.column(node)
        if len(node.elts) > limits.LIST_ITEMS:
            message: Text = {
                "en": f"A list has at most {limits.LIST_ITEMS} items",
                "zh": f"列表最多 {limits.LIST_ITEMS} 项",
            }
            raise ExpressionError("expression_limit", message, column)
        items = [self._item(element) for element in node.elts]
        return Node("list", items[0].type if items else BLANK, tuple(items), column=column)

    visit_Tuple = visit_List

    def _item(self, node: ast.expr) -> Node:
        item = self.value(node)
        if not item.is_constant:
            raise ExpressionError(
                "constant_expected",
                {"en": "A list holds only values written out", "zh": "列表中只能是直接写出的值"},
                item.column,
                {"en": "Compare the values with == and or", "zh": "请用 == 和 or 逐个比较"},
            )
        return item

    # --- operators ---

    def visit_BoolOp(self, node: ast.BoolOp) -> Node:
        conditions = [self.value(value) for value in node.values]
        join = building.all_of if isinstance(node.op, ast.And) else building.any_of
        return join(conditions, self.syntax.column(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Node:
        operand, column = self.value(node.operand), self.syntax.column(node)
        if isinstance(node.op, ast.Not):
            return building.negation(operand, column)
        if isinstance(node.op, ast.USub):
            return building.negative(operand, column)
        return fitting.need(operand, building.NUMBER)

    def visit_BinOp(self, node: ast.BinOp) -> Node:
        left, right = self.value(node.left), self.value(node.right)
        column = self.syntax.column(node.right)
        if isinstance(node.op, ast.BitAnd):
            return building.join([left, right], column)
        return building.arithmetic(OPERATORS[type(node.op)], left, right, column)

    def visit_Compare(self, node: ast.Compare) -> Node:
        operands = [self.value(operand) for operand in (node.left, *node.comparators)]
        parts = [
            self._compare(operator, operands[place], operands[place + 1]) for place, operator in enumerate(node.ops)
        ]
        return building.all_of(parts, self.syntax.column(node))

    def _compare(self, operator: ast.cmpop, left: Node, right: Node) -> Node:
        column = right.column
        if isinstance(operator, ast.In | ast.NotIn):
            inside = building.contained(left, right, column)
            return building.negation(inside, column) if isinstance(operator, ast.NotIn) else inside
        if isinstance(operator, ast.Is | ast.IsNot):
            self._refuse_is(left, right)
            return building.compare("==" if isinstance(operator, ast.Is) else "!=", left, right, column)
        return building.compare(OPERATORS[type(operator)], left, right, column)

    def _refuse_is(self, left: Node, right: Node) -> None:
        if "blank" not in (left.type.name, right.type.name):
            raise fitting.mismatch(
                right,
                {"en": "“is” only goes with null", "zh": "is 只能与 null 一起使用"},
                {"en": "Use == to compare", "zh": "比较请用 =="},
            )

    def visit_IfExp(self, node: ast.IfExp) -> Node:
        condition, value, otherwise = (self.value(part) for part in (node.test, node.body, node.orelse))
        return building.choose(condition, value, otherwise, self.syntax.column(node))

    def visit_GeneratorExp(self, node: ast.GeneratorExp | ast.ListComp) -> Node:
        raise ExpressionError(
            "not_allowed",
            {"en": "“… for … in …” stands inside a function that sums up", "zh": "“… for … in …”只能写在汇总函数内"},
            self.syntax.column(node),
            {
                "en": "Use any(), all(), SUM(), COUNT(), MIN(), MAX() or AVG()",
                "zh": "请使用 any()、all()、SUM()、COUNT()、MIN()、MAX() 或 AVG()",
            },
        )

    visit_ListComp = visit_GeneratorExp

    # --- calls ---

    def visit_Call(self, node: ast.Call) -> Node:
        name, column = getattr(node.func, "id", ""), self.syntax.column(node)
        function = find(self.functions, name)
        if function is None:
            raise unknown_function(self.functions, name, column)
        if function.aggregate and self.aggregates.applies(node.args, function):
            return self.aggregates.build(function, node.args, column)
        return self._plain_call(function, node.args, column)

    def _plain_call(self, function: Function, args: list[ast.expr], column: int) -> Node:
        if function.aggregate and not function.parameters:
            raise ExpressionError(
                "type_mismatch",
                {
                    "en": f"{function.name}() sums up the rows of a subform",
                    "zh": f"{function.name}() 用于汇总子表单的明细行",
                },
                column,
                {"en": f"Write {function.name}(items.amount)", "zh": f"请写 {function.name}(items.amount)"},
            )
        return function.build([self.value(argument) for argument in args], column)
