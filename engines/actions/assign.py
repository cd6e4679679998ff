"""Hand the record to somebody."""

from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import needs_of
from engines.effects import AssignOwner
from engines.facts import Needs
from engines.people import CompiledPerson, People, compile_people, expressions_of, resolve, say_people
from metadata import registry


class Assign(ActionType):
    """Hands the record to a member (to the next in turn where several are named), or back to the pool (null)."""

    name = "assign"
    title = {"en": "Assign", "zh": "分配负责人"}
    icon = "user-check"
    needs_record = True
    changes_record = True

    class Options(registry.Options):
        to: People | None

    def compile(self, options: Any, context: ActionContext) -> tuple[CompiledPerson, ...] | None:
        return compile_people(options.to, context, "to") if options.to is not None else None

    def execute(self, compiled: tuple[CompiledPerson, ...] | None, occasion: Occasion) -> list[AssignOwner] | Needs:
        assert occasion.form is not None and occasion.record_id is not None
        if compiled is None:
            return [AssignOwner(occasion.form, occasion.record_id, None)]
        if needs := needs_of(expressions_of(compiled), occasion.environment):
            return needs
        found = resolve(compiled, occasion.app, occasion.environment)
        candidates = tuple(each for each in found if isinstance(each, int))
        if len(candidates) < 2:
            return [AssignOwner(occasion.form, occasion.record_id, each) for each in candidates]
        return [AssignOwner(occasion.form, occasion.record_id, candidates[0], candidates, f"rotation:{occasion.place}")]

    def sentence(self, options: Any, language: str) -> str:
        chinese = language == "zh"
        if options.to is None:
            return "退回公海池" if chinese else "give it back to the pool"
        who = say_people(options.to, language)
        if isinstance(options.to, str):
            return f"分配给 {who}" if chinese else f"assign it to {who}"
        return f"在{who}中分配" if chinese else f"assign it in turn to {who}"
