"""Action: does things by itself, in the transaction that brought the flow here."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from engines.action_type import CompiledAction, Occasion, compile_actions, execute_actions
from engines.facts import Needs
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import Lacking, NodeContext, NodeType, Step, Visit, go_on
from metadata.registry import Options as BaseOptions
from metadata.rules import AnyAction
from metadata.text import say


class Action(NodeType):
    """The actions of rules, done where the flow passes."""

    name = "action"
    title = {"en": "Action", "zh": "自动动作"}
    icon = "bolt"
    changes_data: ClassVar[bool] = True

    class Options(BaseOptions):
        """What to do, in order."""

        do: Annotated[tuple[AnyAction, ...], Field(min_length=1)]

    def compile(self, options: Any, context: NodeContext) -> tuple[CompiledAction, ...]:
        return compile_actions(options.do, context.at("do"))

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        answer = execute_actions(node.config, occasion(visit, f"{node.id}:{visit.instance}", node.id))
        if isinstance(answer, Needs):
            raise Lacking(answer)
        return go_on(answer)

    def sentence(self, options: Any, language: str) -> str:
        return say({"en": f"Does {len(options.do)} thing(s)", "zh": f"执行 {len(options.do)} 个动作"}, language)


def occasion(visit: Visit, key: str, place: str) -> Occasion:
    """What the actions of a flow are done about: its record, with the initiator as their user."""
    record = visit.record
    return Occasion(visit.facts.app, visit.form, record.get("id"), record, visit.as_initiator(), key, place=place)
