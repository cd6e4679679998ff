"""Render a checked template: Jinja2's sandbox does structure and escaping, our expressions give every value.

Jinja2 never sees a word that somebody wrote: it is given a skeleton of numbered slots, loops and choices.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from jinja2 import StrictUndefined
from jinja2 import Template as Skeleton
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from engines.expressions.environment import Environment
from engines.expressions.evaluate import evaluate
from engines.expressions.showing import shown
from metadata.expressions import EvaluationError, Expression, Template, limits
from metadata.expressions.tree import Choice, Each, Piece, Slot, Words

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_plans: "WeakKeyDictionary[Template, _Plan]" = WeakKeyDictionary()


def render(template: Template, environment: Environment, language: str, escape: bool) -> str:
    """Put the values in. With `escape` the words are HTML and every value is escaped; plain text otherwise."""
    plan = _plans.get(template)
    if plan is None:
        plan = _plans[template] = _plan(template)
    run = _Run(plan, environment, language, escape)
    skeleton = plan.escaping if escape else plan.plain
    chunks: list[str] = []
    length = 0
    for chunk in skeleton.generate(words=run.words, show=run.show, rows=run.rows, holds=run.holds):
        length += len(chunk)
        if length > limits.TEMPLATE_OUTPUT:
            raise _too_long()
        chunks.append(chunk)
    return "".join(chunks)


def render_line(template: Template, environment: Environment, language: str) -> str:
    """Render as one line of plain text (a subject, a label): no control characters, 200 characters at most."""
    line = " ".join(CONTROL.sub(" ", render(template, environment, language, escape=False)).split())
    return line if len(line) <= limits.ONE_LINE_LENGTH else line[: limits.ONE_LINE_LENGTH - 1] + "…"


@dataclass(frozen=True)
class _Plan:
    """A template's skeleton, and what its numbers stand for."""

    parts: tuple[Any, ...]
    plain: Skeleton
    escaping: Skeleton


class _Run:
    """One rendering: what the skeleton may call, within a budget."""

    def __init__(self, plan: _Plan, environment: Environment, language: str, escape: bool) -> None:
        self.plan = plan
        self.environment = environment
        self.language = language
        self.escape = escape
        self.left = limits.TEMPLATE_STEPS

    def words(self, part: int) -> str:
        text: str = self.plan.parts[part]
        return Markup(text) if self.escape else text

    def show(self, part: int, *loops: Any) -> str:
        expression: Expression = self.plan.parts[part]
        return shown(self.value(expression, loops), expression.type, self.environment, self.language)

    def holds(self, part: int, *loops: Any) -> bool:
        return bool(self.value(self.plan.parts[part], loops))

    def rows(self, part: int, *loops: Any) -> tuple[Any, ...]:
        found = tuple(self.value(self.plan.parts[part], loops) or ())
        self.spend(len(found))
        return found

    def value(self, expression: Expression, loops: tuple[Any, ...]) -> Any:
        self.spend(1)
        around = dict(zip((root for root, _ in expression.loops), loops, strict=False))
        return evaluate(expression, replace(self.environment, loops={**self.environment.loops, **around}))

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise _too_long()


def _plan(template: Template) -> _Plan:
    writer = _SkeletonWriter()
    source = writer.write(template.pieces, ())
    plain, escaping = (_sandbox(escape).from_string(source) for escape in (False, True))
    return _Plan(tuple(writer.parts), plain, escaping)


class _SkeletonWriter:
    def __init__(self) -> None:
        self.parts: list[Any] = []

    def write(self, pieces: tuple[Piece, ...], loops: tuple[str, ...]) -> str:
        return "".join(self.piece(piece, loops) for piece in pieces)

    def piece(self, piece: Piece, loops: tuple[str, ...]) -> str:
        if isinstance(piece, Words):
            return f"{{{{ words({self.number(piece.text)}) }}}}"
        if isinstance(piece, Slot):
            return f"{{{{ show({self.call(piece.expression, loops)}) }}}}"
        if isinstance(piece, Each):
            head = f"{{% for {piece.loop} in rows({self.call(piece.rows, loops)}) %}}"
            return head + self.write(piece.body, (*loops, piece.loop)) + "{% endfor %}"
        return self.choice(piece, loops)

    def choice(self, choice: Choice, loops: tuple[str, ...]) -> str:
        written = ""
        for place, (condition, body) in enumerate(choice.branches):
            if condition is None:
                written += "{% else %}"
            else:
                written += f"{{% {'elif' if place else 'if'} holds({self.call(condition, loops)}) %}}"
            written += self.write(body, loops)
        return written + "{% endif %}"

    def call(self, expression: Expression, loops: tuple[str, ...]) -> str:
        return ", ".join((str(self.number(expression)), *loops))

    def number(self, part: Any) -> int:
        self.parts.append(part)
        return len(self.parts) - 1


@cache
def _sandbox(escape: bool) -> ImmutableSandboxedEnvironment:
    sandbox = ImmutableSandboxedEnvironment(autoescape=escape, undefined=StrictUndefined, loader=None)
    sandbox.globals.clear()
    sandbox.filters.clear()
    sandbox.tests.clear()
    return sandbox


def _too_long() -> EvaluationError:
    message = {"en": "The text would become too long", "zh": "生成的文本过长"}
    return EvaluationError("template_limit", message)
