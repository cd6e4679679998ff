"""The front door of the language: from text to a checked expression."""

from typing import Any

from metadata.expressions.scope import Scope
from metadata.expressions.tree import Expression
from metadata.registry import Registry
from metadata.value_types import ValueType


def check(text: str, scope: Scope, functions: Registry[Any], want: ValueType | None = None) -> Expression:
    """Check the text where it stands; raises ExpressionError with the column, a sentence and a hint."""
    raise NotImplementedError
