"""Rename fields in expressions and templates by position, leaving the rest of the text as it was written."""

from collections.abc import Iterable

from metadata.expressions.cutting import cut
from metadata.expressions.names import Loop, resolve
from metadata.expressions.scope import Names, Scope
from metadata.expressions.syntax import parse
from metadata.expressions.templates import EACH, TAG
from metadata.expressions.tree import NameSpan, Node
from metadata.value_types import BLANK


def rename(text: str, scope: Scope, names: Names) -> str:
    """Write the field names of an expression as they are called in `names`. Its types need not be right."""
    return rewritten(text, resolve(parse(text), scope).spans, names)


def rename_template(text: str, scope: Scope, names: Names) -> str:
    """Write the field names of a template as they are called in `names`."""
    return rewritten(text, _template_spans(text, scope), names)


def rewritten(text: str, spans: Iterable[NameSpan], names: Names) -> str:
    """Put new names in the places of the old ones, from the end so that places stay true."""
    present = {(form, field.id): name for form, fields in names.forms.items() for name, field in fields.items()}
    for span in sorted(spans, key=lambda span: span.start, reverse=True):
        name = present.get((span.form, span.field), span.name)
        text = text[: span.start] + name + text[span.end :]
    return text


def _template_spans(text: str, scope: Scope) -> list[NameSpan]:
    spans: list[NameSpan] = []
    loops: list[Loop] = []
    for piece in cut(text):
        expression, start, name = piece.text, piece.start, ""
        if piece.kind == "words":
            continue
        if piece.kind == "tag" and (match := TAG.fullmatch(piece.text)):
            word, expression = match.groups()
            start += match.start(2)
            if word == "endfor" and loops:
                loops.pop()
            if word == "for" and (each := EACH.fullmatch(expression)):
                name, expression, start = each.group(2), each.group(4), start + each.start(4)
        if not expression.strip():
            continue
        syntax = parse(expression)
        found = resolve(syntax, scope, tuple(loops))
        spans += [NameSpan(s.start + start, s.end + start, s.form, s.field, s.name) for s in found.spans]
        if name:
            loops.append(_loop(name, found.leaves.get(syntax.body), len(loops)))
    return spans


def _loop(name: str, rows: Node | None, depth: int) -> Loop:
    rows = rows or Node("root", BLANK)
    return Loop(name, f"loop{depth}", rows.type.form or "", (), rows)
