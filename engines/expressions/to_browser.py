"""The browser target: a checked expression as a JSON tree that static/js/formula.js walks."""

from typing import Any

from metadata.expressions import Expression


def to_browser(expression: Expression) -> dict[str, Any]:
    """The tree as JSON; raises NotPushable for what only the server can work out."""
    raise NotImplementedError
