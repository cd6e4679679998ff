"""Effects and values as JSON and back, exactly, so that a job can carry them."""

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engines import effects as vocabulary
from engines.effects import Effect

VERSION = 1

_classes: dict[str, type[Any]] = {
    name: thing
    for name, thing in vars(vocabulary).items()
    if isinstance(thing, type) and thing.__module__ == vocabulary.__name__
}


def write_effects(effects: tuple[Effect, ...]) -> list[Any]:
    """Write effects as JSON, each under the name of its class."""
    return [write_value(effect) for effect in effects]


def read_effects(written: list[Any]) -> tuple[Effect, ...]:
    """Read effects that `write_effects` wrote."""
    return tuple(read_value(each) for each in written)


def write_value(value: Any) -> Any:
    """Write a value; what JSON does not know is an object with one key that begins with $."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return {"$number": str(value)}
    if isinstance(value, datetime):
        return {"$moment": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, tuple | list | frozenset):
        return {"$list": [write_value(each) for each in value]}
    if type(value).__name__ in _classes:
        parts = {each.name: write_value(getattr(value, each.name)) for each in fields(value)}
        return {f"${type(value).__name__}": parts}
    if hasattr(value, "items"):
        return {"$map": [[key, write_value(each)] for key, each in value.items()]}
    return value


def read_value(written: Any) -> Any:
    """Read a value that `write_value` wrote."""
    if not isinstance(written, dict):
        return written
    ((tag, body),) = written.items()
    match tag:
        case "$number":
            return Decimal(body)
        case "$moment":
            return datetime.fromisoformat(body)
        case "$date":
            return date.fromisoformat(body)
        case "$list":
            return tuple(read_value(each) for each in body)
        case "$map":
            return {key: read_value(each) for key, each in body}
    return _classes[tag[1:]](**{name: read_value(each) for name, each in body.items()})
