"""Conditions: one expression, or several joined by `all`, `any` and `none`, nested as deep as the author likes."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Discriminator, Tag

from metadata.names import YesNoExpression
from metadata.normalise import by_shape
from metadata.problems import ROOT, Path
from metadata.registry import Options


class ConditionGroup(Options):
    """Conditions that must all hold, of which any must hold, or of which none may; several keys join by `and`."""

    all: "tuple[Condition, ...] | None" = None
    any: "tuple[Condition, ...] | None" = None
    none: "tuple[Condition, ...] | None" = None


Condition = Annotated[
    Annotated[YesNoExpression, Tag("text")] | Annotated[ConditionGroup, Tag("object")], Discriminator(by_shape)
]

ConditionGroup.model_rebuild()


def terms(condition: str | ConditionGroup | None, path: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Give every expression of a condition with its place in the JSON, in reading order."""
    if isinstance(condition, str):
        yield path, condition
    elif condition is not None:
        for key, parts in _groups(condition):
            for index, part in enumerate(parts):
                yield from terms(part, path / key / index)


def text_of(condition: str | ConditionGroup | None) -> str:
    """Write a condition as one expression; no condition always holds."""
    if condition is None:
        return "true"
    if isinstance(condition, str):
        return condition
    joined = [_join(key, [f"({text_of(part)})" for part in parts]) for key, parts in _groups(condition)]
    return " and ".join(f"({each})" for each in joined) if joined else "true"


def _groups(group: ConditionGroup) -> Iterator[tuple[str, tuple[str | ConditionGroup, ...]]]:
    for key, parts in (("all", group.all), ("any", group.any), ("none", group.none)):
        if parts is not None:
            yield key, parts


def _join(key: str, parts: list[str]) -> str:
    if key == "all":
        return " and ".join(parts) or "true"
    either = " or ".join(parts) or "false"
    return either if key == "any" else f"not ({either})"
