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
            self._fits(options, flow, context.form or "", context)
            return Launch(flow, context.form or "", None)
        record = context.value(options.record, "record").expression
        if record is None or record.type.name != "link":
            context.add("not_a_record", {"en": "This is no link to a record", "zh": "这不是关联记录"}, "record")
            return None
        self._fits(options, flow, record.type.form or "", context)
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

    def _fits(self, options: Any, flow: str, form: str, context: ActionContext) -> None:
        """A flow takes records of its own form only."""
        theirs = context.app.flow_forms.get(flow, form)
        if not form or not theirs or theirs == form:
            return
        mine, other = (context.app.forms[each].name for each in (form, theirs))
        message = {
            "en": f"The flow “{options.flow}” takes records of {other}, not of {mine}",
            "zh": f"流程“{options.flow}”用于“{other}”的记录，而不是“{mine}”",
        }
        hint = {
            "en": f"Give “record” an expression that leads to a record of {other}, or name a flow of {mine}",
            "zh": f"请用 record 指向“{other}”的记录，或改用“{mine}”的流程",
        }
        context.add("wrong_form", message, "flow", hint=hint)

    def sentence(self, options: Any, language: str) -> str:
        return f"启动流程“{options.flow}”" if language == "zh" else f"start the flow {options.flow}"
