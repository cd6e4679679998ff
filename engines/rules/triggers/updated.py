"""A record is updated."""

from typing import Any

from engines.action_type import ActionContext
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName


class Updated(TriggerType):
    """Fires when a record is saved again and something changed, or one of the named fields did."""

    name = "updated"
    title = {"en": "Record updated", "zh": "修改记录"}
    icon = "pencil"
    operations = frozenset({"update"})

    class Options(registry.Options):
        form: FormName
        fields: tuple[FieldName, ...] = ()

    def compile(self, options: Any, context: ActionContext) -> frozenset[str]:
        found = [context.field(context.form or "", name, "fields", index) for index, name in enumerate(options.fields)]
        return frozenset(field.id for field in found if field is not None)

    def looks(self, compiled: frozenset[str], change: Change) -> Look:
        if change.event.operation != "update":
            return Look(False)
        changed = change.event.changed
        return Look(bool(changed & compiled) if compiled else bool(changed))

    def sentence(self, options: Any, language: str) -> str:
        fields = ", ".join(options.fields)
        if language == "zh":
            return f"当修改“{options.form}”{f'的 {fields} ' if fields else ''}时"
        return f"when {f'{fields} of ' if fields else ''}a record of {options.form} is updated"
