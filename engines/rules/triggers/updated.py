"""A record is updated."""

from typing import Any

from engines.action_type import ActionContext
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName
from metadata.text import Text


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
        for index, field in enumerate(found):
            if field is not None and (field.storage == "computed" or field.id in context.app.moving):
                context.ask_to_mend("moves_without_save", _NO_SAVE, "fields", index, hint=_WATCH_ITS_SOURCE)
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


_NO_SAVE: Text = {
    "en": "No save changes this: it is computed when it is read, or moves when other records are saved",
    "zh": "保存不会使该字段变化：它在读取时计算，或随其他记录的保存而变化",
}
_WATCH_ITS_SOURCE: Text = {
    "en": "Name the fields that it is computed from, or use the trigger rollup_changed",
    "zh": "请填写其计算来源的字段，或使用触发器 rollup_changed",
}
