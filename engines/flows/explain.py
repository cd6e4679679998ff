"""Conditions for people: with the value of each thing they read."""

from collections.abc import Mapping
from typing import Any

from engines.expressions import Environment, user_values
from metadata.expressions import Expression


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
