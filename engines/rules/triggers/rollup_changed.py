"""A roll-up of a record moves because records below it changed."""

from typing import Any

from engines.action_type import ActionContext
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName


class RollupChanged(TriggerType):
    """Fires when the derive pass has moved a roll-up, or a stored formula with it (`field` names one certain one)."""

    name = "rollup_changed"
    title = {"en": "Roll-up changed", "zh": "汇总变化"}
    icon = "sum"
    operations = frozenset({"derived"})
    crosses = True

    class Options(registry.Options):
        form: FormName
        field: FieldName | None = None

    def compile(self, options: Any, context: ActionContext) -> str | None:
        if options.field is None:
            return None
        field = context.field(context.form or "", options.field, "field")
        if field is not None and (field.id not in context.app.moving or field.storage == "computed"):
            message = {
                "en": f"“{options.field}” is no roll-up, and not stored with one",
                "zh": f"“{options.field}”不是汇总，也不是随汇总存储的公式",
            }
            hint = {"en": "Use the trigger “changed” for other fields", "zh": "其他字段请使用触发器 changed"}
            context.add("not_a_rollup", message, "field", hint=hint)
        return field.id if field is not None else None

    def looks(self, compiled: str | None, change: Change) -> Look:
        if change.event.operation != "derived":
            return Look(False)
        return Look(compiled is None or compiled in change.event.changed)

    def sentence(self, options: Any, language: str) -> str:
        what = options.field or ("汇总" if language == "zh" else "a roll-up")
        return f"当“{options.form}”的{what}变化时" if language == "zh" else f"when {what} of {options.form} changes"
