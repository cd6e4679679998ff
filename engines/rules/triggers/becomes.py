"""A condition becomes true."""

from typing import Any

from engines.action_type import ActionContext
from engines.facts import Needs
from engines.rules.condition import CompiledCondition, compile_condition, explain, holds
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.conditions import Condition, text_of
from metadata.names import FormName


class Becomes(TriggerType):
    """Fires on the crossing only: true now, not true before. A new record was nothing before."""

    name = "becomes"
    title = {"en": "Condition becomes true", "zh": "条件成立"}
    icon = "toggle-right"
    operations = frozenset({"create", "update", "derived"})

    class Options(registry.Options):
        form: FormName
        if_: Condition

    def compile(self, options: Any, context: ActionContext) -> CompiledCondition | None:
        return compile_condition(options.if_, context, "if")

    def looks(self, compiled: CompiledCondition, change: Change) -> Look | Needs:
        if change.event.operation not in self.operations:
            return Look(False)
        now = holds(compiled, change.now)
        before = holds(compiled, change.before) if change.before is not None else False
        if isinstance(now, Needs) or isinstance(before, Needs):
            return (now if isinstance(now, Needs) else Needs()) | (before if isinstance(before, Needs) else Needs())
        return Look(now and not before, explain(compiled, change.now))

    def sentence(self, options: Any, language: str) -> str:
        condition = text_of(options.if_)
        if language == "zh":
            return f"当“{options.form}”开始满足 {condition} 时"
        return f"when {options.form} comes to meet {condition}"
