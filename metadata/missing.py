"""The options of a kind that is not installed: nobody knows what they mean, so they are kept word for word."""

from typing import Any, ClassVar

from pydantic import Field, model_validator

from metadata.canonical import WrittenOtherwise
from metadata.registry import Options

KEPT = "(kept)"


class Kept(Options, WrittenOtherwise):
    """Whatever stands beside the common keys."""

    kept: dict[str, Any] = Field(default={}, alias=KEPT)

    on_delete: ClassVar[str] = "restrict"  # what a link to another record would say

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, said: dict[str, Any]) -> dict[str, Any]:
        common = {info.alias or name for name, info in cls.model_fields.items()} - {KEPT}
        known = {key: value for key, value in said.items() if key in common}
        return {**known, KEPT: {key: value for key, value in said.items() if key not in common}}

    def as_written(self, said: dict[str, Any]) -> dict[str, Any]:
        return {**{key: value for key, value in said.items() if key != KEPT}, **self.kept}
