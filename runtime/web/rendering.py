"""Turns data into pages: one Jinja environment per language, with its words, formats and static files."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from runtime.web import formats
from runtime.web.static import STATIC, tree_hash
from runtime.web.wording import LANGUAGES, script_messages, translations

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@lru_cache
def environment(language: str) -> Environment:
    """The environment of one language; templates and macros are compiled once and kept."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters |= formats.filters(language)
    made.globals |= {
        "language": language,
        "static": f"/static/{tree_hash(STATIC)}",
        "script_messages": script_messages(language),
    }
    return made


def render(template: str, language: str, context: Mapping[str, Any]) -> str:
    """Render one template; an unknown language reads as English."""
    return environment(language if language in LANGUAGES else LANGUAGES[0]).get_template(template).render(context)
