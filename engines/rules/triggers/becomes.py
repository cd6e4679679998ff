"""A condition becomes true."""

from typing import Any

from engines.action_type import ActionContext
from engines.facts import Needs
from engines.rules.condition import CompiledCondition, compile_condition, condition_words, explain, holds
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.conditions import Condition
from metadata.names import FormName


class Becomes(TriggerType):
    """Fires on the crossing only: true now, not true before. A new record was nothing before."""

    name = "becomes"
    title = {"en": "Condition becomes true", "zh": "条件成立"}
    icon = "toggle-right"
    operations = frozenset({"create", "update"})
    crosses = True

    class Options(registry.Options):
        form: FormName
        if_: Condition

    def compile(self, options: Any, context: ActionContext) -> CompiledCondition | None:
        condition = compile_condition(options.if_, context, "if")
        if condition is not None and _reads_only_rollups(condition, context):
            message = {
                "en": "Roll-ups move without a save, so this would never fire",
                "zh": "汇总不随保存变化，此条件不会触发",
            }
            hint = {
                "en": "Use the trigger rollup_changed, with a condition such as “total > 5 and old.total <= 5”",
                "zh": "请使用触发器 rollup_changed，并写条件，例如 “total > 5 and old.total <= 5”",
            }
            context.add("only_rollups", message, "if", hint=hint)
        return condition

    def looks(self, compiled: CompiledCondition, change: Change) -> Look | Needs:
        if change.event.operation not in self.operations:
            return Look(False)
        now = holds(compiled, change.now)
        before = holds(compiled, change.before) if change.before is not None else False
        if isinstance(now, Needs) or isinstance(before, Needs):
            return (now if isinstance(now, Needs) else Needs()) | (before if isinstance(before, Needs) else Needs())
        return Look(now and not before, explain(compiled, change.now, now))

    def sentence(self, options: Any, language: str) -> str:
        condition = condition_words(options.if_, language)
        if language == "zh":
            return f"当“{options.form}”开始满足：{condition}"
        return f"when it comes about in {options.form} that {condition}"


def _reads_only_rollups(condition: CompiledCondition, context: ActionContext) -> bool:
    """Whether nothing that a save changes can make the condition cross."""
    fields = context.app.forms[context.form or ""].fields
    read = [fields[path[1]] for path in condition.whole.reads if path[0] == "record" and path[1:] and path[1] in fields]
    return bool(read) and all(field.storage == "rollup" for field in read)
