"""Templates: text with {{ expression }}, {% for row in rows %} and {% if condition %}, cut and checked by us."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.expressions import limits
from metadata.expressions.check import check_within
from metadata.expressions.cutting import Cut, cut
from metadata.expressions.errors import ExpressionError
from metadata.expressions.names import Loop, open_loop
from metadata.expressions.scope import Scope
from metadata.expressions.tree import Choice, Each, Expression, NameSpan, Piece, Slot, Template, Words
from metadata.expressions.words import said
from metadata.registry import Registry
from metadata.text import Text
from metadata.value_types import YES_NO, ValueType

TAG = re.compile(r"\s*(for|if|elif|else|endif|endfor)\b(.*)", re.DOTALL)
EACH = re.compile(r"(\s+)([A-Za-z_]\w*)(\s+in\s)(.*)", re.DOTALL | re.ASCII)


def check_template(text: str, scope: Scope, functions: Registry[Any]) -> Template:
    """Check every expression of a template; raises ExpressionError with the column in the whole text."""
    parser = _Parser(scope, functions)
    for piece in cut(text):
        parser.take(piece)
    return parser.finished(text)


@dataclass
class _Open:
    """A {% for %} or {% if %} that is not closed yet."""

    kind: str
    column: int
    condition: Expression | None = None
    loop: Loop | None = None
    pieces: list[Piece] = field(default_factory=list)
    branches: list[tuple[Expression | None, tuple[Piece, ...]]] = field(default_factory=list)
    has_else: bool = False


class _Parser:
    def __init__(self, scope: Scope, functions: Registry[Any]) -> None:
        self.scope = scope
        self.functions = functions
        self.open: list[_Open] = [_Open("text", 0)]
        self.expressions: list[Expression] = []
        self.spans: list[NameSpan] = []

    @property
    def loops(self) -> tuple[Loop, ...]:
        return tuple(each.loop for each in self.open if each.loop is not None)

    def take(self, piece: Cut) -> None:
        if piece.kind == "words":
            self.add(Words(piece.text))
        elif piece.kind == "slot":
            self.add(Slot(_showable(self.expression(piece.text, piece.start), piece.start)))
        else:
            self.tag(piece)

    def add(self, piece: Piece) -> None:
        self.open[-1].pieces.append(piece)

    def expression(self, text: str, start: int, want: ValueType | None = None) -> Expression:
        try:
            checked = check_within(text, self.scope, self.functions, want, self.loops)
        except ExpressionError as error:
            raise error.moved(start) from None
        self.expressions.append(checked)
        self.spans.extend(replace(span, start=span.start + start, end=span.end + start) for span in checked.spans)
        return checked

    def tag(self, piece: Cut) -> None:
        match = TAG.fullmatch(piece.text)
        if match is None:
            raise _error(
                piece.start,
                {
                    "en": "Only for, if, elif, else, endif and endfor stand in {% %}",
                    "zh": "{% %} 中只能使用 for、if、elif、else、endif、endfor",
                },
            )
        word, rest = match.groups()
        start = piece.start + match.start(2)
        if word in ("for", "if") and len(self.open) > limits.TEMPLATE_NESTING:
            raise ExpressionError("expression_limit", {"en": "The tags nest too deep", "zh": "标记嵌套过深"}, start)
        if word in ("else", "endif", "endfor") and rest.strip():
            raise _error(start, {"en": f"Nothing follows “{word}”", "zh": f"“{word}”后面不能有内容"})
        getattr(self, f"tag_{word}")(rest, start)

    def tag_for(self, rest: str, start: int) -> None:
        match = EACH.fullmatch(rest)
        if match is None:
            raise _error(start, {"en": "Write {% for row in rows %}", "zh": "请写 {% for row in rows %}"})
        at = start + match.start(4)
        rows = self.expression(match.group(4), at)
        path = next(iter(rows.reads), ())
        loop = open_loop(self.scope, self.loops, match.group(2), rows.root, path, start)
        self.open.append(_Open("for", start, condition=rows, loop=loop))

    def tag_if(self, rest: str, start: int) -> None:
        self.open.append(_Open("if", start, condition=self.expression(rest, start, YES_NO)))

    def tag_elif(self, rest: str, start: int) -> None:
        choice = self._branch_ends("elif", start)
        choice.condition = self.expression(rest, start, YES_NO)

    def tag_else(self, rest: str, start: int) -> None:
        choice = self._branch_ends("else", start)
        choice.condition, choice.has_else = None, True

    def tag_endif(self, rest: str, start: int) -> None:
        choice = self._close("if", "endif", start)
        choice.branches.append((choice.condition, tuple(choice.pieces)))
        self.add(Choice(tuple(choice.branches)))

    def tag_endfor(self, rest: str, start: int) -> None:
        each = self._close("for", "endfor", start)
        assert each.condition is not None and each.loop is not None
        self.add(Each(each.condition, each.loop.root, tuple(each.pieces)))

    def _branch_ends(self, word: str, start: int) -> _Open:
        choice = self.open[-1]
        if choice.kind != "if" or choice.has_else:
            raise _error(start, {"en": f"“{word}” belongs to an if", "zh": f"“{word}”必须属于某个 if"})
        choice.branches.append((choice.condition, tuple(choice.pieces)))
        choice.pieces = []
        return choice

    def _close(self, kind: str, word: str, start: int) -> _Open:
        if self.open[-1].kind != kind:
            raise _error(start, {"en": f"“{word}” closes nothing here", "zh": f"此处的“{word}”没有对应的开始标记"})
        return self.open.pop()

    def finished(self, text: str) -> Template:
        last = self.open[-1]
        if last.kind != "text":
            raise _error(last.column, {"en": f"“{last.kind}” is not closed", "zh": f"“{last.kind}”没有结束标记"})
        reads = frozenset(read for expression in self.expressions for read in expression.reads)
        return Template(text, tuple(last.pieces), tuple(self.expressions), reads, tuple(self.spans))


def _showable(expression: Expression, start: int) -> Expression:
    """Refuse what has no text of its own: records and rows."""
    type = expression.type.element
    if type.name in ("link", "rows"):
        raise ExpressionError(
            "type_mismatch",
            {"en": f"A {said(type, 'en')} has no text of its own", "zh": f"{said(type, 'zh')}没有可显示的文本"},
            start,
            {
                "en": "Name a field of it, like customer.name, or use {% for %}",
                "zh": "请写出其字段，如 customer.name，或使用 {% for %}",
            },
        )
    return expression


def _error(column: int, message: Text) -> ExpressionError:
    return ExpressionError("template_syntax", message, column)
