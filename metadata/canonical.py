"""The canonical form: one definition is written in one way only, so that a difference in text is one in meaning."""

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from metadata.problems import Path

if TYPE_CHECKING:
    from metadata.app import AppDefinition

ALWAYS = ("format", "app", "version", "time_zone", "currency")


def canonical(app: "AppDefinition") -> dict[str, Any]:
    """Give a definition as JSON: keys in the order of the reference, what is as usual left out."""
    said = write(app)
    return {key: said.get(key, getattr(app, key)) for key in type(app).model_fields if key in said or key in ALWAYS}


def write(model: BaseModel) -> dict[str, Any]:
    """Give a part of a definition as JSON, by the names that stand in documents."""
    said = {
        info.alias or name: _plain(value)
        for name, info in type(model).model_fields.items()
        if info.exclude is not True and (_is_said(value := getattr(model, name), info))
    }
    return model.as_written(said) if isinstance(model, WrittenOtherwise) else said


class WrittenOtherwise:
    """A model whose JSON has another shape than its attributes."""

    def as_written(self, said: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


def _is_said(value: Any, info: FieldInfo) -> bool:
    if info.is_required():
        return True
    usual = info.get_default(call_default_factory=True)
    return value != usual or type(value) is not type(usual)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return write(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, Decimal):
        return plain_number(value)
    return value.isoformat() if isinstance(value, date | time) else value


def plain_number(value: Decimal) -> int | float:
    """An exact number as JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)


def as_text(document: Mapping[str, Any]) -> str:
    """The bytes that are stored in a file and compared: two blanks, real letters, a line end."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def place_ids(document: dict[str, Any], ids: Mapping[Path, str]) -> dict[str, Any]:
    """Write ids into a canonical document, each first in its object."""
    for path, id in ids.items():
        at = place_of(document, Path(path.parts[:-1]))
        thing = at[path.parts[-1]]
        at[path.parts[-1]] = {"id": id, **{key: value for key, value in thing.items() if key not in ("id", "was")}}
    return document


def place_of(document: Any, path: Path) -> Any:
    """What stands at a place of a document."""
    for part in path.parts:
        document = document[part]
    return document
