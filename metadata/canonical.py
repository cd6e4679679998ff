"""The canonical form: one definition is written in one way only, so that a difference in text is one in meaning."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from metadata.app import AppDefinition
from metadata.problems import Path

ALWAYS = ("format", "app", "version", "time_zone", "currency")


def canonical(app: AppDefinition) -> dict[str, Any]:
    """Give a definition as JSON: keys in the order of the reference, what is as usual left out."""
    said = write(app)
    return {key: said[key] if key in said else getattr(app, key) for key in _order(app) if key in said or key in ALWAYS}


def write(model: BaseModel) -> dict[str, Any]:
    """Give a part of a definition as JSON."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def as_text(document: Mapping[str, Any]) -> str:
    """The bytes that are stored in a file and compared: two blanks, real letters, a line end."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def place_ids(document: dict[str, Any], ids: Mapping[Path, str]) -> dict[str, Any]:
    """Write ids into a canonical document, each first in its object."""
    for path, id in ids.items():
        at: Any = document
        for part in path.parts[:-1]:
            at = at[part]
        thing = at[path.parts[-1]]
        at[path.parts[-1]] = {"id": id, **{key: value for key, value in thing.items() if key not in ("id", "was")}}
    return document


def _order(app: AppDefinition) -> list[str]:
    return list(type(app).model_fields)
