"""The values and words of actions: a literal, an expression or a template, compiled once and then asked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engines.expressions import Environment, evaluate, missing_records, render, render_line
from engines.facts import Needs
from engines.values import CompiledValue
from metadata.expressions import Expression, Scope, Template, check, check_template
from metadata.expressions.words import said
from metadata.problems import ROOT, InvalidDefinition, Problem
from metadata.registry import Registry
from metadata.text import Text
from metadata.value_types import ValueType

Parse = Callable[[Any], Any]


def compile_value(
    raw: Any, scope: Scope, functions: Registry[Any], want: ValueType | None = None, parse: Parse | None = None
) -> CompiledValue:
    """Read a value as an author wrote it; `parse` brings a literal into the form that a field keeps."""
    if isinstance(raw, Mapping) and set(raw) == {"text"}:
        return CompiledValue(literal=parse(raw["text"]) if parse else raw["text"])
    if isinstance(raw, str) and raw.startswith("="):
        return CompiledValue(expression=check(raw[1:], scope, functions, want))
    if isinstance(raw, str) and ("{{" in raw or "{%" in raw):
        if want is not None and want.name != "text":
            raise InvalidDefinition(Problem(ROOT, "type_mismatch", _only_text(want), _NO_BRACES))
        return CompiledValue(template=check_template(raw, scope, functions))
    return CompiledValue(literal=parse(raw) if parse else raw)


def value_now(value: CompiledValue, environment: Environment, language: str = "en") -> Any:
    """Give the value at this moment, for this record."""
    if value.expression is not None:
        return evaluate(value.expression, environment)
    if value.template is not None:
        return render(value.template, environment, language, escape=False) or None
    return value.literal


@dataclass(frozen=True)
class CompiledText:
    """Words for people, in each language the author wrote, with what has to be filled in."""

    templates: Mapping[str, Template]


def compile_text(raw: Text, scope: Scope, functions: Registry[Any]) -> CompiledText:
    """Check a template in each of its languages; plain text serves all."""
    written = {"": raw} if isinstance(raw, str) else raw
    return CompiledText({language: check_template(text, scope, functions) for language, text in written.items()})


def text_now(text: CompiledText, environment: Environment, line: bool = False) -> Text:
    """Fill in the words, in every language the author wrote; `line` for what has to stay on one line."""
    said = {
        key: render_line(each, environment, key or "en") if line else render(each, environment, key or "en", False)
        for key, each in text.templates.items()
    }
    return said.get("", said)


def expressions_in(*things: CompiledValue | CompiledText | Expression | None) -> Iterable[Expression]:
    """Every expression that these values read, so that the facts can be gathered beforehand."""
    for thing in things:
        if isinstance(thing, Expression):
            yield thing
        elif isinstance(thing, CompiledValue):
            if thing.expression is not None:
                yield thing.expression
            if thing.template is not None:
                yield from thing.template.expressions
        elif isinstance(thing, CompiledText):
            for template in thing.templates.values():
                yield from template.expressions


def needs_of(expressions: Iterable[Expression], environment: Environment) -> Needs:
    """The records that links lead to and that are not known yet; empty when all can be evaluated."""
    missing = missing_records(expressions, environment.record, environment.facts, truth=environment.truth)
    return Needs(records=missing) if environment.truth else Needs(masked=missing)


def _only_text(want: ValueType) -> Text:
    return {
        "en": f"Words with {{{{ }}}} give a text, and a {said(want, 'en')} is expected here",
        "zh": f"带 {{{{ }}}} 的文字结果是文本，而此处应为{said(want, 'zh')}",
    }


_NO_BRACES: Text = {
    "en": "Write one expression that begins with “=”, such as “=amount * 2”",
    "zh": "请写以“=”开头的表达式，例如 “=amount * 2”",
}
