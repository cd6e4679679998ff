"""Short forms, as a person would write them, and the canonical form they become."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints, Tag
from pydantic_core import CoreSchema, core_schema

LANGUAGE_TAG = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


@dataclass(frozen=True)
class Short:
    """A plain text stands for an object with one key: `"annual"` for `{"value": "annual"}`."""

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        alone = handler.resolve_ref_schema(whole).get("properties", {}).get(self.key, {"type": "string"})
        return {"anyOf": [self._alone(alone), whole]}

    def _alone(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in schema.items() if key != "title"}

    def _expand(self, value: Any) -> Any:
        return {self.key: value} if isinstance(value, str) else _with_tuples(value)


def _with_tuples(value: Any) -> Any:
    """A validator in Python leaves JSON's ways behind: strict models then take tuples, and lists no more."""
    if isinstance(value, dict):
        return {key: _with_tuples(each) for key, each in value.items()}
    return tuple(_with_tuples(each) for each in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class ShortSort(Short):
    """As `Short`, where a minus before the text says "the largest first": `"-amount"`."""

    def _alone(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {"type": "string"}

    def _expand(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("-"):
            return {self.key: value[1:], "descending": True}
        return super()._expand(value)


def by_shape(value: Any) -> str | None:
    """Tell a text from an object and a list, so that a wrong value gets one problem and not one for each reading."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict) or hasattr(value, "model_fields_set"):
        return "object"
    return "list" if isinstance(value, list | tuple) else None


Language = Annotated[str, StringConstraints(pattern=LANGUAGE_TAG)]
Words = Annotated[
    Annotated[str, Tag("text")] | Annotated[dict[Language, str], Tag("object")],
    Discriminator(by_shape),
]
"""A label in one language or several: "Amount" or {"en": "Amount", "zh": "金额"}."""
