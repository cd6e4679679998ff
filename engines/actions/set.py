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
from metadata.text import Text


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
        if not options.values:
            context.ask_to_mend("no_values", _NO_VALUES, "values", hint=_NAME_FIELDS)
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


_NO_VALUES: Text = {"en": "Nothing is set", "zh": "没有设置任何字段"}
_NAME_FIELDS: Text = {"en": "Name a field and its value", "zh": "请填写字段及其值"}
