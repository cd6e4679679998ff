"""Set fields of the record itself."""

from collections.abc import Mapping
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion, values_now
from engines.effects import SetFields
from engines.facts import Needs
from engines.values import CompiledValue
from metadata import registry
from metadata.names import FieldName
from metadata.nouns import ValueOf


class Set(ActionType):
    """Gives fields of the record new values; while saving, it happens before the record is written."""

    name = "set"
    title = {"en": "Set fields", "zh": "设置字段"}
    icon = "pencil"
    early = True
    needs_record = True
    changes_record = True

    class Options(registry.Options):
        values: dict[FieldName, ValueOf]

    def compile(self, options: Any, context: ActionContext) -> Mapping[str, CompiledValue]:
        return context.values_of(context.form or "", options.values, "values")

    def execute(self, compiled: Mapping[str, CompiledValue], occasion: Occasion) -> list[SetFields] | Needs:
        values = values_now(compiled, occasion)
        if isinstance(values, Needs):
            return values
        assert occasion.form is not None and occasion.record_id is not None
        return [SetFields(occasion.form, occasion.record_id, values)]

    def sentence(self, options: Any, language: str) -> str:
        fields = ", ".join(options.values)
        return f"设置 {fields}" if language == "zh" else f"set {fields}"
