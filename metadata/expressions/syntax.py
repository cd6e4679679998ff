"""From text to a Python syntax tree that holds nothing but the few node types of our language."""

import ast
import keyword
import re
import warnings
from dataclasses import dataclass, field
from decimal import Decimal

from metadata.expressions import limits
from metadata.expressions.errors import ExpressionError
from metadata.expressions.scan import refuse_unprintable_constant, scan
from metadata.text import Text

ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.BitAnd,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
    ast.IfExp, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple,
    ast.GeneratorExp, ast.ListComp, ast.comprehension, ast.Load, ast.Store,
)  # fmt: skip

REFUSED: dict[str, tuple[str, Text]] = {
    "Lambda": ("lambda", ""),
    "NamedExpr": (":=", {"en": "Use == to compare", "zh": "比较请用 =="}),
    "JoinedStr": ('f"…"', {"en": "Join texts with + or &", "zh": "请用 + 或 & 连接文本"}),
    "Subscript": ("[ ]", {"en": "Use LEFT(), MID() or an aggregate", "zh": "请用 LEFT()、MID() 或汇总函数"}),
    "Starred": ("*", ""),
    "keyword": ("name=value", {"en": "Use == to compare", "zh": "比较请用 =="}),
    "Pow": ("**", {"en": "Use POWER(x, n)", "zh": "请用 POWER(x, n)"}),
    "FloorDiv": ("//", {"en": "Use FLOOR(a / b)", "zh": "请用 FLOOR(a / b)"}),
    "BitOr": ("|", {"en": "Use “or”", "zh": "请用 or"}),
    "BitXor": ("^", {"en": "Use POWER(x, n)", "zh": "请用 POWER(x, n)"}),
    "Invert": ("~", {"en": "Use “not”", "zh": "请用 not"}),
    "LShift": ("<<", ""),
    "RShift": (">>", ""),
    "MatMult": ("@", ""),
}
WORDS = {"and", "or", "not", "in", "is", "if", "else", "for", "True", "False", "None"}
NUMBER = re.compile(r"(\d+)(?:\.(\d*))?|\.(\d+)", re.ASCII)


@dataclass
class Syntax:
    """The parsed text: the tree, its numbers as decimals, and where each node stands."""

    text: str
    body: ast.expr
    lead: int
    numbers: dict[ast.Constant, Decimal] = field(default_factory=dict)

    def column(self, node: ast.AST) -> int:
        """The character at which a node begins (the parser counts bytes)."""
        return self.lead + self._characters(getattr(node, "col_offset", 0))

    def end(self, node: ast.AST) -> int:
        return self.lead + self._characters(getattr(node, "end_col_offset", 0) or 0)

    def _characters(self, byte: int) -> int:
        stripped = self.text[self.lead :]
        return byte if stripped.isascii() else len(stripped.encode()[:byte].decode(errors="ignore"))


def parse(text: object) -> Syntax:
    """Scan, parse and hold against the whitelist; raises ExpressionError."""
    scanned = scan(text)
    lead = len(scanned) - len(scanned.lstrip())
    tree = _parse(scanned.strip(), lead)
    syntax = Syntax(scanned, tree.body, lead)
    _check_size(tree, syntax)
    return syntax


def _parse(source: str, lead: int) -> ast.Expression:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source, mode="eval")
    except SyntaxError as error:
        raise _syntax_error(source, error, lead) from None
    except (RecursionError, MemoryError, ValueError):
        message: Text = {"en": "The expression is too complex", "zh": "表达式过于复杂"}
        raise ExpressionError("expression_limit", message) from None


def _syntax_error(source: str, error: SyntaxError, lead: int) -> ExpressionError:
    for match in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\b[A-Za-z_]\w*", source):
        word = match.group()
        if keyword.iskeyword(word) and word not in WORDS:
            return ExpressionError(
                "reserved_word",
                {
                    "en": f"“{word}” is a word of the language and cannot be a name",
                    "zh": f"“{word}”是保留字，不能用作名称",
                },
                lead + match.start(),
                {"en": f"Call the field {word}_date or the like", "zh": f"请将字段命名为 {word}_date 之类的名称"},
            )
    column = lead + max(0, (error.offset or 1) - 1)
    return ExpressionError(
        "expression_syntax",
        {"en": "This is not a complete expression", "zh": "表达式不完整或书写有误"},
        min(column, lead + len(source)),
        {"en": "Look for a missing bracket, comma or operator", "zh": "请检查是否缺少括号、逗号或运算符"},
    )


def _check_size(tree: ast.Expression, syntax: Syntax) -> None:
    count = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > limits.NODES:
            message: Text = {
                "en": f"The expression has more than {limits.NODES} parts",
                "zh": f"表达式超过 {limits.NODES} 个部分",
            }
            raise ExpressionError("expression_limit", message)
        if depth > limits.DEPTH:
            too_deep: Text = {"en": "The expression nests too deep", "zh": "表达式嵌套过深"}
            raise ExpressionError("expression_limit", too_deep, syntax.column(node))
        _check_node(node, syntax)
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _check_node(node: ast.AST, syntax: Syntax) -> None:
    if not isinstance(node, ALLOWED):
        kind = type(node).__name__
        shown, hint = REFUSED.get(kind, (kind.lower(), ""))
        message: Text = {"en": f"“{shown}” is not allowed in an expression", "zh": f"表达式中不允许使用“{shown}”"}
        raise ExpressionError("not_allowed", message, syntax.column(node), hint)
    if isinstance(node, ast.Name):
        _check_name(node.id, node, syntax)
    elif isinstance(node, ast.Attribute):
        _check_name(node.attr, node, syntax)
    elif isinstance(node, ast.Constant):
        _check_constant(node, syntax)


def _check_name(name: str, node: ast.AST, syntax: Syntax) -> None:
    if name.startswith("_") or "__" in name:
        message: Text = {"en": f"The name “{name[:60]}” is not allowed", "zh": f"不允许使用名称“{name[:60]}”"}
        raise ExpressionError("not_allowed", message, syntax.column(node))


def _check_constant(node: ast.Constant, syntax: Syntax) -> None:
    value = node.value
    if isinstance(value, str):
        if len(value) > limits.TEXT_CONSTANT:
            message: Text = {
                "en": f"A text in an expression has at most {limits.TEXT_CONSTANT} characters",
                "zh": f"表达式中的文本最多 {limits.TEXT_CONSTANT} 个字符",
            }
            raise ExpressionError("expression_limit", message, syntax.column(node))
        refuse_unprintable_constant(value, syntax.column(node))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        syntax.numbers[node] = _number(node, syntax)
    elif value is not None and not isinstance(value, bool):
        kind: Text = {"en": "This kind of constant is not allowed", "zh": "不允许使用此类常量"}
        raise ExpressionError("not_allowed", kind, syntax.column(node))


def _number(node: ast.Constant, syntax: Syntax) -> Decimal:
    """The number as it is written, never through a float."""
    written = syntax.text[syntax.column(node) : syntax.end(node)]
    match = NUMBER.fullmatch(written)
    if match is None:
        message: Text = {"en": "Write numbers as plain decimals, like 1250.50", "zh": "数字请写成普通小数，如 1250.50"}
        raise ExpressionError("number_format", message, syntax.column(node))
    whole, after, bare = match.groups()
    fraction = after or bare or ""
    if len(((whole or "") + fraction).lstrip("0")) > limits.DIGITS or len(fraction) > limits.DECIMALS:
        too_long: Text = {
            "en": f"A number has at most {limits.DIGITS} digits, {limits.DECIMALS} of them after the point",
            "zh": f"数字最多 {limits.DIGITS} 位，其中小数最多 {limits.DECIMALS} 位",
        }
        raise ExpressionError("expression_limit", too_long, syntax.column(node))
    return Decimal(f"{whole or '0'}.{fraction}" if fraction else whole)
