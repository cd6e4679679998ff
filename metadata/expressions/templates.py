"""Templates: text with {{ expression }}, {% for row in rows %} and {% if condition %}, cut and checked by us."""

from typing import Any

from metadata.expressions.scope import Scope
from metadata.expressions.tree import Template
from metadata.registry import Registry


def check_template(text: str, scope: Scope, functions: Registry[Any]) -> Template:
    """Check every expression of a template; raises ExpressionError with the column in the whole text."""
    raise NotImplementedError
