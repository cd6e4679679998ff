"""Render a checked template: Jinja2's sandbox does structure and escaping, our expressions give every value."""

from engines.expressions.environment import Environment
from metadata.expressions import Template


def render(template: Template, environment: Environment, language: str, escape: bool) -> str:
    """Put the values in. `escape` for HTML; plain text otherwise."""
    raise NotImplementedError


def render_line(template: Template, environment: Environment, language: str) -> str:
    """Render as one line of plain text (a subject, a label): no control characters, 200 characters at most."""
    raise NotImplementedError
