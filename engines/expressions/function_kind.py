"""What a function of the expression language is: how it is called, what it gives, and its form in each target."""

from metadata.registry import Kind


class FunctionKind(Kind):
    """One function of the library."""
