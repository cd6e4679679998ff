"""CC: lets people know and read, without waiting for them."""

from typing import Any

from engines.effects import Effect, Notify, OpenTask
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeContext, NodeType, Step, Visit, go_on
from engines.people import CompiledPerson, People, compile_people, say_called, say_people
from metadata.flows import TaskOptions
from metadata.text import say


class CarbonCopy(NodeType):
    """A copy for people: it stands in their list until they have read it, and lets them read until then."""

    name = "cc"
    title = {"en": "CC", "zh": "抄送"}
    icon = "send"

    class Options(TaskOptions):
        """Who gets a copy, and what it shows."""

        to: People

    def compile(self, options: Any, context: NodeContext) -> tuple[CompiledPerson, ...]:
        return compile_people(options.to, context, "to")

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        people = visit.members(node.config)
        title = node.title or self.title
        effects: list[Effect] = [OpenTask(visit.instance, node.id, each, title, kind="cc") for each in people]
        if people:
            effects.append(Notify(people, title, "", visit.form, visit.record.get("id")))
        return go_on(effects, people=list(people))

    def sentence(self, options: Any, language: str) -> str:
        return self._words(say_people(options.to, language), language)

    def sentence_of(self, node: CompiledNode, language: str) -> str:
        return self._words(say_called(node.config, language), language)

    def _words(self, people: str, language: str) -> str:
        return say({"en": f"A copy for {people}", "zh": f"抄送给{people}"}, language)
