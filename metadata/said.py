"""Every expression and template of a definition where it stands, also those inside values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from metadata.app import AppDefinition
from metadata.expressions.calls import calls_in, calls_in_template
from metadata.names import IsExpression, IsTemplate, IsValue
from metadata.problems import Path
from metadata.walk import Leaf, leaves


@dataclass(frozen=True)
class Said:
    """One text that is evaluated: an expression (without the `=` before it), or a template."""

    path: Path
    text: str
    is_template: bool
    leaf: Leaf

    @property
    def calls(self) -> tuple[str, ...]:
        """The functions that it calls, each once."""
        return tuple(dict.fromkeys(calls_in_template(self.text) if self.is_template else calls_in(self.text)))


def all_said(app: AppDefinition) -> Iterator[Said]:
    """What a definition says in expressions and templates, in reading order."""
    for leaf in leaves(app):
        if isinstance(leaf.marker, IsExpression) and isinstance(leaf.value, str):
            yield Said(leaf.path, leaf.value, False, leaf)
        elif isinstance(leaf.marker, IsTemplate) and isinstance(leaf.value, str):
            yield Said(leaf.path, leaf.value, True, leaf)
        elif isinstance(leaf.marker, IsValue):
            yield from _inside(leaf, leaf.value, leaf.path)


def _inside(leaf: Leaf, value: Any, path: Path) -> Iterator[Said]:
    """What a value says; `{"text": ...}` is taken literally, and so is plain text."""
    if isinstance(value, dict) and set(value) != {"text"}:
        for key, each in value.items():
            yield from _inside(leaf, each, path / key)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _inside(leaf, each, path / index)
    elif isinstance(value, str) and value.startswith("="):
        yield Said(path, value[1:], False, leaf)
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        yield Said(path, value, True, leaf)
