"""Conditions for people: in words, and with the value of each thing they read."""

import re
from collections.abc import Mapping
from typing import Any

from engines.compiled import SYSTEM_TITLES
from engines.expressions import Environment, user_values
from metadata.expressions import Expression
from metadata.text import Text, say


def terms(expression: Expression, environment: Environment) -> dict[str, Any]:
    """The value of every term of an expression, by its path of ids ("record.f_amount"); rows are left out."""
    found = {}
    for path in sorted(expression.reads):
        value = _value(path, environment)
        if not isinstance(value, Mapping) and not _is_rows(value):
            found[".".join(path)] = value
    return found


def _value(path: tuple[str, ...], environment: Environment) -> Any:
    """Follow a path as far as the record itself goes; what lies behind a link shows as the link."""
    root, *steps = path
    value: Any = user_values(environment.facts) if root == "user" else environment.record if root == "record" else None
    for step in steps:
        if not isinstance(value, Mapping):
            return value
        value = value.get(step)
    return value


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value)


_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}
_CHINESE = {"and": "且", "or": "或", "not": "非", "in": "属于"}
_PARTS = re.compile(r"""'[^']*'|"[^"]*"|<=|>=|==|!=|[A-Za-z_]\w*|\d[\d.]*|\s+|.""", re.DOTALL)


def in_words(expression: Expression, forms: Mapping[str, Any]) -> Text:
    """An expression with the titles of its fields, in both languages: "Contract total ≥ 50,000"."""
    return {language: _written(expression, forms, language) for language in ("en", "zh")}


def _written(expression: Expression, forms: Mapping[str, Any], language: str) -> str:
    said, at = [], 0
    for span in sorted(expression.spans, key=lambda each: each.start):
        form = forms.get(span.form)
        field = form.fields.get(span.field) if form is not None else None
        title = field.title if field else SYSTEM_TITLES.get(span.field, span.name)
        said += [_signs(expression.text[at : span.start], language), say(title, language)]
        at = span.end
    return "".join([*said, _signs(expression.text[at:], language)])


def _signs(text: str, language: str) -> str:
    """What stands between the names: signs as people write them, numbers with thousands, texts without quotes."""
    return "".join(_sign(part, language) for part in _PARTS.findall(text))


def _sign(part: str, language: str) -> str:
    if part[0] in "'\"":
        return f"“{part[1:-1]}”"
    if part.isdigit():
        return f"{int(part):,}"
    return _SIGNS.get(part) or (_CHINESE.get(part, part) if language == "zh" else part)
