"""Which functions a text calls, whether or not anybody has registered them."""

import ast
from collections.abc import Iterator

from metadata.expressions.cutting import cut
from metadata.expressions.errors import ExpressionError
from metadata.expressions.syntax import parse


def calls_in(text: str) -> Iterator[str]:
    """The functions that an expression calls, as they are written; a text that is none calls none."""
    try:
        body = parse(text).body
    except ExpressionError:
        return
    for node in ast.walk(body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def calls_in_template(text: str) -> Iterator[str]:
    """The functions that the tags of a template call."""
    try:
        pieces = [piece for piece in cut(text) if piece.kind != "words"]
    except ExpressionError:
        return
    for piece in pieces:
        yield from calls_in(piece.text if piece.kind == "slot" else piece.text.strip().partition(" ")[2])
