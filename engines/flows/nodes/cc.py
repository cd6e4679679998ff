"""CC: lets people know and read, without waiting for them."""

from typing import Any

from engines.effects import Effect, Notify, OpenTask
from engines.flows.approvers import Approvers, CompiledApprover, as_called, as_written, compile_approvers, resolve
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeContext, NodeType, Step, Visit, go_on
from metadata.flows import TaskOptions
from metadata.text import say


class CarbonCopy(NodeType):
    """A copy for people: it stands in their list until they have read it, and lets them read until then."""

    name = "cc"
    title = {"en": "CC", "zh": "抄送"}
    icon = "send"

    class Options(TaskOptions):
        """Who gets a copy (`to`, said as approvers are), and what it shows."""

        to: Approvers

    def compile(self, options: Any, context: NodeContext) -> tuple[CompiledApprover, ...]:
        return compile_approvers(options.to, context.at("to"))

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        people = resolve(node.config, visit)
        title = node.title or self.title
        effects: list[Effect] = [OpenTask(visit.instance, node.id, each, title, kind="cc") for each in people]
        if people:
            effects.append(Notify(people, title, "", visit.form, visit.record.get("id")))
        return go_on(effects, people=list(people))

    def sentence(self, options: Any, language: str) -> str:
        return self._words(as_written(options.to, language), language)

    def sentence_of(self, node: CompiledNode, language: str) -> str:
        return self._words(as_called(node.config, language), language)

    def _words(self, people: str, language: str) -> str:
        return say({"en": f"A copy for {people}", "zh": f"抄送给{people}"}, language)
