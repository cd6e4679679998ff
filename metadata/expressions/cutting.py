"""Cut a template into words and tags; nothing but {{ expression }} and {% word … %} is a tag."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from metadata.expressions import limits
from metadata.expressions.errors import ExpressionError
from metadata.text import Text

MARK = re.compile(r"\{\{|\{%")
CLOSING = {"{{": "}}", "{%": "%}"}


@dataclass(frozen=True)
class Cut:
    """A piece of the text: words as they stand, or the inside of a tag and the column where that begins."""

    kind: str
    text: str
    start: int


def cut(text: object) -> Iterator[Cut]:
    """The pieces in order. A {% %} tag alone on its line takes the whole line with it."""
    if not isinstance(text, str):
        raise ExpressionError("expression_type", {"en": "A template is text", "zh": "模板必须是文本"})
    if len(text) > limits.TEMPLATE_LENGTH:
        message: Text = {
            "en": f"The text is longer than {limits.TEMPLATE_LENGTH} characters",
            "zh": f"文本超过 {limits.TEMPLATE_LENGTH} 个字符",
        }
        raise ExpressionError("expression_limit", message)
    at = tags = 0
    while mark := MARK.search(text, at):
        tags += 1
        if tags > limits.TEMPLATE_TAGS:
            raise _too_many(mark.start())
        inside = mark.end()
        end = _end_of_tag(text, inside, CLOSING[mark.group()])
        before, after = mark.start(), end + 2
        if mark.group() == "{%":
            before, after = _whole_line(text, at, before, after)
        if before > at:
            yield Cut("words", text[at:before], at)
        yield Cut("slot" if mark.group() == "{{" else "tag", text[inside:end], inside)
        at = after
    if at < len(text):
        yield Cut("words", text[at:], at)


def _end_of_tag(text: str, start: int, closing: str) -> int:
    """Where the tag ends; a closing mark within quotes does not count."""
    quote = ""
    at = start
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif text.startswith(closing, at):
            return at
        at += 1
    raise ExpressionError(
        "template_syntax",
        {"en": "A tag is not closed", "zh": "标记未闭合"},
        start - 2,
        {"en": f"Add {closing}", "zh": f"请补上 {closing}"},
    )


def _whole_line(text: str, floor: int, start: int, end: int) -> tuple[int, int]:
    line = text.rfind("\n", floor, start) + 1 or floor
    newline = text.find("\n", end)
    rest = len(text) if newline < 0 else newline
    begins_line = line == 0 or text[line - 1] == "\n"
    if begins_line and not text[line:start].strip(" \t") and not text[end:rest].strip(" \t\r"):
        return line, len(text) if newline < 0 else newline + 1
    return start, end


def _too_many(column: int) -> ExpressionError:
    return ExpressionError(
        "expression_limit",
        {"en": f"The text has more than {limits.TEMPLATE_TAGS} tags", "zh": f"标记超过 {limits.TEMPLATE_TAGS} 个"},
        column,
    )
