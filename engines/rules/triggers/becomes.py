"""A condition becomes true."""

from typing import Any

from engines.action_type import ActionContext
from engines.computed.moving import reads_one_of
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
        if condition is not None and reads_one_of(condition.whole, context.app.moving):
            message = {
                "en": "A roll-up moves when other records are saved, which this trigger does not look at",
                "zh": "汇总在其他记录保存时变化，而该触发器不关注这些保存",
            }
            hint = {
                "en": "For the roll-up use the trigger rollup_changed on its own form, with an “if” such as "
                "“total > 5 and not (old.total > 5)”; for other fields use “changed”, with the roll-up in the “if”",
                "zh": "请在汇总所在表单使用触发器 rollup_changed，条件例如 “total > 5 and not (old.total > 5)”；"
                "若由其他字段触发，请使用 changed，并把汇总写入条件 if",
            }
            context.add("moves_without_save", message, "if", hint=hint)
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
