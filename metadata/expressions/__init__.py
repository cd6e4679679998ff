"""Expressions: from text to one checked, typed tree."""

from metadata.expressions.check import check
from metadata.expressions.closed import fail_closed
from metadata.expressions.errors import EvaluationError, ExpressionError
from metadata.expressions.rename import rename, rename_template
from metadata.expressions.scope import (
    DEPARTMENT_FIELDS,
    MEMBER_FIELDS,
    NOWHERE,
    USER_FIELDS,
    FieldReference,
    Names,
    Scope,
)
from metadata.expressions.templates import check_template
from metadata.expressions.tree import Expression, NameSpan, Node, Template

__all__ = [
    "DEPARTMENT_FIELDS",
    "MEMBER_FIELDS",
    "NOWHERE",
    "USER_FIELDS",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "FieldReference",
    "NameSpan",
    "Names",
    "Node",
    "Scope",
    "Template",
    "check",
    "check_template",
    "fail_closed",
    "rename",
    "rename_template",
]
