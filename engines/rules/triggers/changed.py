"""A field changes, perhaps from one certain value to another."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext
from engines.rules.condition import Term
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName

ANY = object()
HANDED_OVER = ("owner", "department")  # system fields that assigning changes


@dataclass(frozen=True)
class Watched:
    """The field to watch, and the values it must come from or go to."""

    field: str
    from_: Any
    to: Any


class Changed(TriggerType):
    """Fires when a field gets another value; with `from` and `to` only for that step ("" is blank)."""

    name = "changed"
    title = {"en": "Field changed", "zh": "字段变化"}
    icon = "git-commit"
    operations = frozenset({"create", "update"})
    crosses = True

    class Options(registry.Options):
        form: FormName
        field: FieldName
        from_: Any = None
        to: Any = None

    def compile(self, options: Any, context: ActionContext) -> Watched | None:
        if options.field in HANDED_OVER:
            return Watched(options.field, ANY, ANY)
        field = context.field(context.form or "", options.field, "field")
        if field is None:
            return None
        if field.id in context.app.moving:
            message = {
                "en": f"“{options.field}” moves when other records are saved, which this trigger does not look at",
                "zh": f"“{options.field}”在其他记录保存时变化，而该触发器不关注这些保存",
            }
            hint = {"en": "Use the trigger rollup_changed", "zh": "请使用触发器 rollup_changed"}
            context.add("moves_without_save", message, "field", hint=hint)
        return Watched(field.id, _step(options, "from_", field, context), _step(options, "to", field, context))

    def looks(self, compiled: Watched, change: Change) -> Look:
        event = change.event
        if event.operation not in self.operations or compiled.field not in event.changed:
            return Look(False)
        old = (event.before or {}).get(compiled.field)
        new = (event.after or {}).get(compiled.field)
        fires = old != new and _fits(compiled.from_, old) and _fits(compiled.to, new)
        read = ((("old", compiled.field), old), (("record", compiled.field), new))
        return Look(fires, (Term("changed", fires, read),))

    def sentence(self, options: Any, language: str) -> str:
        from_, to = (str(step) if step is not None else "" for step in (options.from_, options.to))
        if language == "zh":
            step = (f"从 {from_} " if from_ else "") + (f"变为 {to} " if to else "变化")
            return f"当“{options.form}”的 {options.field} {step}时"
        step = (f" from {from_}" if from_ else "") + (f" to {to}" if to else "")
        return f"when {options.field} of {options.form} changes{step}"


def _step(options: Any, key: str, field: Any, context: ActionContext) -> Any:
    """The literal a step must have, in the form in which the field keeps it."""
    raw = getattr(options, key)
    if raw is None:
        return ANY
    return context.value(raw, key.removesuffix("_"), parse=lambda each: field.kind.parse(each, field)).literal


def _fits(wanted: Any, value: Any) -> bool:
    return wanted is ANY or wanted == value
