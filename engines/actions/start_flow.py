"""Start a flow."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import needs_of
from engines.effects import StartFlow as Start
from engines.expressions import evaluate
from engines.facts import Needs
from metadata import registry
from metadata.expressions import Expression
from metadata.names import FlowName
from metadata.nouns import ValueOf


@dataclass(frozen=True)
class Launch:
    """The flow, and the record it goes with: the one at hand, unless an expression names another."""

    flow: str
    form: str
    record: Expression | None


class StartFlow(ActionType):
    """Starts a flow on the record, or on one that a link leads to; where it runs already, nothing happens."""

    name = "start_flow"
    title = {"en": "Start a flow", "zh": "启动流程"}
    icon = "sitemap"
    needs_record = True

    class Options(registry.Options):
        flow: FlowName
        record: ValueOf = None

    def compile(self, options: Any, context: ActionContext) -> Launch | None:
        flow = context.flow_id(options.flow, "flow")
        if flow is None:
            return None
        if options.record is None:
            return Launch(flow, context.form or "", None)
        record = context.value(options.record, "record").expression
        if record is None or record.type.name != "link":
            context.add("not_a_record", {"en": "This is no link to a record", "zh": "这不是关联记录"}, "record")
            return None
        return Launch(flow, record.type.form or "", record)

    def execute(self, compiled: Launch, occasion: Occasion) -> list[Start] | Needs:
        if compiled.record is None:
            assert occasion.record_id is not None
            return [Start(compiled.flow, compiled.form, occasion.record_id)]
        needs = needs_of([compiled.record], occasion.environment)
        if needs:
            return needs
        record = evaluate(compiled.record, occasion.environment)
        return [Start(compiled.flow, compiled.form, record)] if record is not None else []

    def sentence(self, options: Any, language: str) -> str:
        return f"启动流程“{options.flow}”" if language == "zh" else f"start the flow {options.flow}"
