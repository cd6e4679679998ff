"""The function library as a registry."""

from engines.expressions import functions
from engines.expressions.function_kind import FunctionKind
from metadata.registry import Registry


def standard_functions() -> Registry[FunctionKind]:
    """Every built-in function, not yet frozen."""
    registry: Registry[FunctionKind] = Registry("function", FunctionKind)
    registry.load(functions)
    return registry
