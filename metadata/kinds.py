"""The kinds of one platform: a registry for each extensible noun, and the types by which models refer to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema, to_json

from metadata.problems import Path
from metadata.registry import Registry

KindNoun = Literal["field", "node", "trigger", "action", "chart"]

TAGS: Mapping[KindNoun, str] = {
    "field": "type",
    "node": "type",
    "trigger": "trigger",
    "action": "action",
    "chart": "type",
}


@dataclass(frozen=True)
class MissingKind:
    """A kind or a function that a definition names and nobody has registered: where, and which package once gave it."""

    noun: KindNoun | Literal["function"]
    name: str
    path: Path
    package: str | None = None


@dataclass(frozen=True, eq=False)  # one is itself, so that what is made of it can be kept
class Kinds:
    """Everything that was registered at start; frozen. Connectors and functions are no part of a definition's shape."""

    fields: Registry[Any]
    nodes: Registry[Any]
    triggers: Registry[Any]
    actions: Registry[Any]
    charts: Registry[Any]
    connectors: Registry[Any]
    functions: Registry[Any]

    def of(self, noun: KindNoun) -> Registry[Any]:
        """Give the registry of a noun whose kinds definitions name."""
        registries = {
            "field": self.fields,
            "node": self.nodes,
            "trigger": self.triggers,
            "action": self.actions,
            "chart": self.charts,
        }
        return registries[noun]

    def with_more(self, more: Mapping[tuple[KindNoun, str], Any]) -> "Kinds":
        """These kinds and some more, by noun and name."""
        nouns: Mapping[str, KindNoun] = {f"{noun}s": noun for noun in TAGS}
        registries = {
            key: registry.with_more([kind for (noun, _), kind in more.items() if noun == nouns.get(key)])
            for key, registry in vars(self).items()
        }
        return Kinds(**registries)

    def freeze(self) -> "Kinds":
        for registry in vars(self).values():
            registry.freeze()
        return self


Models = Mapping[KindNoun, Mapping[str, type[BaseModel]]]
"""For each noun and kind the model that reads it: the noun's common keys and the kind's options, flat."""


@dataclass(frozen=True)
class OfKind:
    """Read a thing by the model of its kind; which kinds there are, the validation context knows (Language)."""

    noun: KindNoun

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"$comment": f"kind:{self.noun}"}

    def _read(self, value: Any, info: ValidationInfo) -> BaseModel:
        if isinstance(value, BaseModel):
            return value
        if not isinstance(info.context, dict) or "models" not in info.context:
            raise RuntimeError("definitions are read by metadata.language.Language, which knows the kinds")
        models = info.context["models"][self.noun]
        model = models[self._tag(value, models)]
        return model.model_validate_json(to_json(value), context=info.context)  # type: ignore[no-any-return]

    def _tag(self, value: Any, models: Mapping[str, type[BaseModel]]) -> str:
        tag = TAGS[self.noun]
        if not isinstance(value, dict):
            raise PydanticCustomError("not_an_object", "this is no object", {})
        if tag not in value:
            raise _error_at(tag, "kind_missing", {"noun": self.noun, "tag": tag, "known": sorted(models)})
        name = value[tag]
        if not isinstance(name, str) or name not in models:
            raise _error_at(tag, "unknown_kind", {"noun": self.noun, "name": str(name), "known": sorted(models)})
        return name


def _error_at(key: str, code: str, context: dict[str, Any]) -> ValidationError:
    error = PydanticCustomError(code, code, context)
    return ValidationError.from_exception_data(code, [InitErrorDetails(type=error, loc=(key,), input=None)])
