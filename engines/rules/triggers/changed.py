"""A field changes, perhaps from one certain value to another."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext
from engines.checks.installation import id_problem, is_written_out
from engines.rules.condition import Term
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName
from metadata.text import Text

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
            for key in ("from", "to"):
                if getattr(options, {"from": "from_"}.get(key, key)) is not None:
                    context.ask_to_mend("useless_key", _NOT_WATCHED, key, hint=_IN_THE_CONDITION)
            return Watched(options.field, ANY, ANY)
        field = context.field(context.form or "", options.field, "field")
        if field is None:
            return None
        if field.storage == "computed":
            context.add("moves_without_save", _AT_READING, "field", hint=_WATCH_ITS_SOURCE)
        elif field.id in context.app.moving:
            message = {
                "en": f"“{options.field}” moves when other records are saved, which this trigger does not look at",
                "zh": f"“{options.field}”在其他记录保存时变化，而该触发器不关注这些保存",
            }
            hint = {"en": "Use the trigger rollup_changed", "zh": "请使用触发器 rollup_changed"}
            context.add("moves_without_save", message, "field", hint=hint)
        if options.from_ is not None and options.from_ == options.to:
            context.ask_to_mend("no_step", _NO_STEP, "to", hint=_TWO_VALUES)
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
    place = key.removesuffix("_")
    if is_written_out(raw) and not context.app.makes_do and (problem := id_problem(field)) is not None:
        context.problems.extend([problem], context.at(place).path)
        return ANY
    value = context.value(raw, place, parse=lambda each: field.kind.parse(each, field))
    if value.expression is not None or value.template is not None:
        context.add("constant_expected", _WRITTEN_OUT, place, hint=_IN_THE_CONDITION)
    return value.literal


def _fits(wanted: Any, value: Any) -> bool:
    return wanted is ANY or wanted == value


_NOT_WATCHED: Text = {
    "en": "Who has the record is no value that stands in a definition",
    "zh": "负责人与部门不能在定义中直接写出",
}
_WRITTEN_OUT: Text = {"en": "The value of a step is written out, not computed", "zh": "此处须直接写出值，不能计算"}
_IN_THE_CONDITION: Text = {
    "en": "Leave it out, and compare in the rule's “if”, with old and record",
    "zh": "请删去，并在规则的 if 中用 old 与 record 比较",
}
_NO_STEP: Text = {"en": "From a value to the same is no change", "zh": "前后的值相同，不算变化"}
_TWO_VALUES: Text = {"en": "Write two values, or leave one out", "zh": "请填写两个不同的值，或删去其一"}
_AT_READING: Text = {
    "en": "This is computed when it is read, so no save changes it",
    "zh": "该字段在读取时计算，保存不会使其变化",
}
_WATCH_ITS_SOURCE: Text = {
    "en": "Watch the fields that it is computed from",
    "zh": "请关注其计算来源的字段",
}
