"""Hand the record to somebody."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import needs_of
from engines.effects import AssignOwner
from engines.expressions import evaluate
from engines.facts import Needs
from metadata import registry
from metadata.expressions import Expression
from metadata.names import IsValue, RoleName
from metadata.normalise import by_shape
from metadata.value_types import MEMBER


class Candidates(registry.Options):
    """People among whom turns are taken: the holders of a role, or the members that expressions give."""

    role: RoleName | None = None
    members: tuple[Annotated[str, IsValue()], ...] = ()


Assignee = Annotated[
    Annotated[str, IsValue(), Tag("text")] | Annotated[Candidates, Tag("object")], Discriminator(by_shape)
]


@dataclass(frozen=True)
class Assignment:
    """One member by expression, or several that take turns; neither means the pool."""

    one: Expression | None = None
    role: str | None = None
    members: tuple[Expression, ...] = ()


class Assign(ActionType):
    """Hands the record to a member, to the next of several in turn, or back to the pool (null)."""

    name = "assign"
    title = {"en": "Assign", "zh": "分配负责人"}
    icon = "user-check"
    needs_record = True
    changes_record = True

    class Options(registry.Options):
        to: Assignee | None

    def compile(self, options: Any, context: ActionContext) -> Assignment:
        to = options.to
        if to is None:
            return Assignment()
        if isinstance(to, str):
            return Assignment(one=self._member(to, context, "to"))
        role = context.role_id(to.role, "to", "role") if to.role else None
        found = [self._member(text, context, "to", "members", index) for index, text in enumerate(to.members)]
        members = tuple(each for each in found if each is not None)
        if to.role is None and not to.members:
            message = {"en": "Say among whom to take turns", "zh": "请说明在哪些人之间轮流分配"}
            context.add(
                "nobody", message, "to", hint={"en": "Give “role” or “members”", "zh": "请填写 role 或 members"}
            )
        return Assignment(role=role, members=members)

    def execute(self, compiled: Assignment, occasion: Occasion) -> list[AssignOwner] | Needs:
        assert occasion.form is not None and occasion.record_id is not None
        expressions = (*compiled.members, *([compiled.one] if compiled.one else []))
        needs = needs_of(expressions, occasion.environment)
        if needs:
            return needs
        if compiled.one is not None:
            owner = evaluate(compiled.one, occasion.environment)
            return [AssignOwner(occasion.form, occasion.record_id, owner)] if owner is not None else []
        if compiled.role is None and not compiled.members:
            return [AssignOwner(occasion.form, occasion.record_id, None)]
        candidates = self._candidates(compiled, occasion)
        if not candidates:
            return []
        return [AssignOwner(occasion.form, occasion.record_id, candidates[0], candidates, f"rotation:{occasion.place}")]

    def sentence(self, options: Any, language: str) -> str:
        chinese = language == "zh"
        if options.to is None:
            return "退回公共池" if chinese else "give it back to the pool"
        if isinstance(options.to, str):
            who = options.to.removeprefix("=")
            return f"分配给 {who}" if chinese else f"assign it to {who}"
        who = options.to.role or ", ".join(each.removeprefix("=") for each in options.to.members)
        return f"在 {who} 中轮流分配" if chinese else f"assign it in turn to {who}"

    def _member(self, text: str, context: ActionContext, *place: str | int) -> Expression | None:
        if text.startswith("="):
            return context.expression(text[1:], *place, want=MEMBER)
        message = {"en": f"“{text}” names nobody", "zh": f"“{text}”没有指明任何人"}
        hint = {"en": 'Write “=manager_of(owner)” or {"role": "…"}', "zh": '请写 “=manager_of(owner)” 或 {"role": "…"}'}
        context.add("not_a_person", message, *place, hint=hint)
        return None

    def _candidates(self, compiled: Assignment, occasion: Occasion) -> tuple[int, ...]:
        organisation = occasion.facts.organisation
        found = list(organisation.holders(occasion.app, compiled.role)) if compiled.role else []
        for expression in compiled.members:
            member = evaluate(expression, occasion.environment)
            person = organisation.people.get(member) if member is not None else None
            if person is not None and person.active and member not in found:
                found.append(member)
        return tuple(found)
