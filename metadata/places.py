"""Places in a document: where a location of Pydantic's is in it, and by which model something there is read."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from metadata.app import AppDefinition
from metadata.kinds import TAGS, Models, OfKind
from metadata.problems import Path
from metadata.walk import arms_of, base_of


def place_in_document(location: Iterable[str | int], document: Any) -> Path:
    """Follow a location of Pydantic's through the document: what is not in it is the name of an alternative."""
    path, at = Path(), document
    parts = [part for part in location if part != "[key]"]
    for index, part in enumerate(parts):
        inside: Any = at
        if isinstance(at, dict) and part in at or isinstance(at, list) and isinstance(part, int) and part < len(at):
            at = inside[part]
        elif index < len(parts) - 1 or not isinstance(at, dict):
            continue
        path /= part
    return path


def place_of_value(location: Iterable[str | int], document: Any) -> Path:
    """The same for a value that is in the document, so that whatever is not is the name of an alternative."""
    path, at = Path(), document
    for part in location:
        inside: Any = at
        if isinstance(at, dict) and part in at or isinstance(at, list) and isinstance(part, int) and part < len(at):
            at, path = inside[part], path / part
    return path


def model_at(path: Path, document: Any, models: Models) -> type[BaseModel] | None:
    """The model by which the object at a place is read, as far as the document is clear about it."""
    types: tuple[Any, ...] = (AppDefinition,)
    at = document
    for part in path.parts:
        model = _model_of(types, at, models)
        if model is not None and isinstance(part, str):
            types = _types_of_key(model, part)
        else:
            types = tuple(inner for each in types for inner in _inner_types(each))
        try:
            at = at[part]
        except (KeyError, IndexError, TypeError):
            return None
    return _model_of(types, at, models)


def _model_of(types: Iterable[Any], value: Any, models: Models) -> type[BaseModel] | None:
    for annotation in types:
        for arm in arms_of(annotation):
            of_kind = _of_kind(arm) or _of_kind(annotation)
            if of_kind is not None and isinstance(value, dict):
                return models[of_kind.noun].get(str(value.get(TAGS[of_kind.noun])))
            base = base_of(arm)
            if isinstance(base, type) and issubclass(base, BaseModel) and isinstance(value, dict):
                return base
    return None


def _of_kind(annotation: Any) -> OfKind | None:
    return next((each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, OfKind)), None)


def _types_of_key(model: type[BaseModel], key: str) -> tuple[Any, ...]:
    for name, info in model.model_fields.items():
        if (info.alias or name) == key:
            of_kind = [each for each in info.metadata if isinstance(each, OfKind)]
            return (_remarked(info.annotation, of_kind[0]),) if of_kind else (info.annotation,)
    return ()


def _remarked(annotation: Any, remark: OfKind) -> Any:
    return Annotated[annotation, remark]


def _inner_types(annotation: Any) -> Iterator[Any]:
    for arm in arms_of(annotation):
        base = base_of(arm)
        if get_origin(base) in (tuple, list):
            yield get_args(base)[0]
        elif get_origin(base) is dict:
            yield get_args(base)[1]


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that may be written in an object."""
    return [info.alias or name for name, info in model.model_fields.items()]
