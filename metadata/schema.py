"""The JSON Schema of a whole app, for editors and assistants: made from the models and the registered kinds."""

from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from metadata.app import AppDefinition
from metadata.kinds import Models

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODE: JsonSchemaMode = "validation"


def json_schema(models: Models) -> dict[str, Any]:
    """Describe every definition that the models would accept for its shape."""
    listed = [(model, MODE) for kinds in models.values() for model in kinds.values()]
    of_model, shared = models_json_schema([(AppDefinition, MODE), *listed], by_alias=True)
    definitions = dict(shared["$defs"])
    for noun, kinds in models.items():
        of_kinds = [of_model[(model, MODE)] for model in kinds.values()]
        definitions[f"Any{noun.capitalize()}"] = {"oneOf": of_kinds} if of_kinds else False
    app = definitions.pop(of_model[(AppDefinition, MODE)]["$ref"].rsplit("/", 1)[1])
    document = {"$schema": DIALECT, "title": "A Fourfold app", **app, "$defs": definitions}
    return _resolve_kinds(document)  # type: ignore[no-any-return]


def _resolve_kinds(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_resolve_kinds(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    mark = schema.get("$comment")
    if isinstance(mark, str) and mark.startswith("kind:"):
        return {"$ref": f"#/$defs/Any{mark.removeprefix('kind:').capitalize()}"}
    resolved = {key: _resolve_kinds(value) for key, value in schema.items()}
    if isinstance(resolved.get("patternProperties"), dict):
        resolved.setdefault("additionalProperties", False)
    return resolved
