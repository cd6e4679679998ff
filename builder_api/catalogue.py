"""The catalogue: every kind that a definition may use, with titles, icons and options, for designers and assistants."""

from typing import Any

from metadata.kinds import Kinds
from metadata.text import say


def catalogue(kinds: Kinds, language: str) -> dict[str, list[dict[str, Any]]]:
    """Describe all kinds in a language."""
    registries = {
        "fields": kinds.fields,
        "nodes": kinds.nodes,
        "triggers": kinds.triggers,
        "actions": kinds.actions,
        "charts": kinds.charts,
        "connectors": kinds.connectors,
    }
    described = {
        name: [_described(each, language) for each in registry.catalogue()] for name, registry in registries.items()
    }
    return {**described, "functions": functions(kinds, language)}


def functions(kinds: Kinds, language: str) -> list[dict[str, Any]]:
    """The functions of expressions with their help texts."""
    return [
        {
            "name": each.name,
            "title": say(getattr(each, "title", each.name), language),
            "help": (each.__doc__ or "").strip(),
        }
        for each in kinds.functions
    ]


def _described(kind: dict[str, Any], language: str) -> dict[str, Any]:
    return {**kind, "title": say(kind["title"], language)}
