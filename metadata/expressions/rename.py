"""Rename fields in expressions and templates by position, leaving the rest of the text as it was written."""

from metadata.expressions.scope import Names, Scope


def rename(text: str, scope: Scope, names: Names) -> str:
    """Write the field names of an expression as they are called in `names`; the text may not even be checked."""
    raise NotImplementedError


def rename_template(text: str, scope: Scope, names: Names) -> str:
    """Write the field names of a template as they are called in `names`."""
    raise NotImplementedError
