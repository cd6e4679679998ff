"""Start: who begins the flow, and what he may change when it comes back to him."""

from typing import Any, ClassVar

from engines.effects import OpenTask
from engines.events import TaskDecided
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeContext, NodeEvent, NodeType, Step, Token, Visit, go_on, incident, wait
from engines.flows.state import MemberLeft
from metadata.flows import TaskOptions
from metadata.problems import ROOT, Conflict, Problem
from metadata.text import say


class Start(NodeType):
    """Passed at once when the flow starts; waits for the initiator when the flow was returned to him."""

    name = "start"
    title = {"en": "Start", "zh": "发起"}
    icon = "player-play"
    gives_tasks: ClassVar[bool] = True

    class Options(TaskOptions):
        """What the initiator may see and change when the flow comes back; without it, what his own rights allow."""

    def compile(self, options: Any, context: NodeContext) -> None:
        return None

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        if not visit.returned or visit.initiator is None:
            return go_on(outcome="submit")
        title = node.title or {"en": "Returned to you", "zh": "退回给您"}
        return wait(
            {"open": [visit.initiator]},
            [OpenTask(visit.instance, node.id, visit.initiator, title, kind="resubmit")],
        )

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        if isinstance(event, MemberLeft):
            return incident({"en": "Who started the flow has left", "zh": "发起人已离职"})
        if isinstance(event, TaskDecided) and event.outcome == "resubmit":
            return go_on(outcome="resubmit", member=event.member)
        message = {"en": "The initiator can only submit again or withdraw", "zh": "发起人只能重新提交或撤回"}
        raise Conflict(Problem(ROOT, "wrong_operation", message))

    def sentence(self, options: Any, language: str) -> str:
        return say({"en": "The initiator submits the record", "zh": "发起人提交记录"}, language)
