"""By which fields an app filters and sorts: views, row scopes, rules that sweep, reports. These get an index."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metadata.conditions import text_of

if TYPE_CHECKING:
    from metadata.app import AppDefinition

INDEXABLE = ("text", "number")  # by value type; links, people and dates have an index anyway
TOO_LONG = ("long_text",)  # a row of an index has no room for these
NAME = re.compile(r"[a-z][a-z0-9_]*")


def filtered_by(definition: "AppDefinition", form: str) -> frozenset[str]:
    """The names that filters and orders of a form mention; a word that is no field's name does no harm."""
    return frozenset(name for text in _texts(definition, form) for name in NAME.findall(text))


def _texts(definition: "AppDefinition", form: str) -> Iterator[str]:
    for written in definition.forms:
        if written.name == form:
            yield from (each.field for each in written.sort)
    for view in definition.views:
        if view.form == form:
            yield view.where or ""
            yield from (each.field for each in view.sort)
    yield from (entry.where or "" for entry in definition.access if entry.form == form)
    yield from (report.where or "" for report in definition.reports if report.form == form)
    yield from (text_of(rule.if_) for rule in definition.rules if rule.when.form == form and rule.if_ is not None)
