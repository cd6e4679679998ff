"""Evaluate a checked expression over one record, with asteval behind our own tree and our own helpers."""

from typing import Any

from engines.expressions.environment import Environment
from metadata.expressions import Expression


def evaluate(expression: Expression, environment: Environment) -> Any:
    """Work the value out. Ordinary data never raises; limits raise EvaluationError."""
    raise NotImplementedError
