"""The function library as a registry."""

from engines.expressions.function_kind import FunctionKind
from metadata.registry import Registry


def standard_functions() -> Registry[FunctionKind]:
    """Every built-in function, not yet frozen."""
    raise NotImplementedError
