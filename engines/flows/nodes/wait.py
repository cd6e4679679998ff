"""Wait: the flow rests for a while, or until a date that stands in the record."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from engines.durations import Duration, read_duration, say_duration
from engines.effects import SetTimer
from engines.events import TimerFired
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeContext, NodeEvent, NodeType, Step, Token, Visit, go_on, wait
from metadata.names import FieldName
from metadata.registry import Options as BaseOptions
from metadata.text import Text, say


@dataclass(frozen=True)
class CompiledWait:
    """How long, or the id of the field that says until when."""

    length: timedelta | None
    field: str | None


class Wait(NodeType):
    """A timer that survives restarts."""

    name = "wait"
    title = {"en": "Wait", "zh": "等待"}
    icon = "hourglass"

    class Options(BaseOptions):
        """Either `for` a length of time, or `until` the moment (or the beginning of the day) in a field."""

        for_: Duration | None = None
        until: FieldName | None = None

        @model_validator(mode="after")
        def _one_of_them(self) -> "Wait.Options":
            if (self.for_ is None) == (self.until is None):
                raise PydanticCustomError("wait_unclear", _UNCLEAR["en"], {"zh": _UNCLEAR["zh"], "hint": _HINT})
            return self

    def compile(self, options: Any, context: NodeContext) -> CompiledWait:
        if options.for_ is not None:
            return CompiledWait(read_duration(options.for_), None)
        field = context.field(context.form or "", options.until, "until")
        if field is not None and field.type.name not in ("date", "datetime"):
            context.add("wrong_type", _NO_DATE, "until")
        return CompiledWait(None, field.id if field is not None else None)

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        due = _due(node.config, visit)
        if due is None or due <= visit.now:
            return go_on(waited=False)
        key = f"{node.id}:wait"
        return wait({"due": due.isoformat(), "timers": [key]}, [SetTimer(visit.instance, key, due)])

    def advance(self, node: CompiledNode, visit: Visit, token: Token, event: NodeEvent) -> Step:
        due = datetime.fromisoformat(token["due"])
        if not isinstance(event, TimerFired) or visit.now < due:
            return wait(token)
        return go_on(waited=True)

    def sentence(self, options: Any, language: str) -> str:
        if options.for_ is not None:
            length = say_duration(options.for_, language)
            return say({"en": f"Waits for {length}", "zh": f"等待 {length}"}, language)
        return say({"en": f"Waits until {options.until}", "zh": f"等到 {options.until}"}, language)


def _due(config: CompiledWait, visit: Visit) -> datetime | None:
    """The moment to wait for; a blank or past date does not hold the flow up."""
    if config.length is not None:
        return visit.now + config.length
    value = visit.record.get(config.field or "")
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), visit.facts.zone).astimezone(UTC)
    return None


_UNCLEAR = {"en": "A wait says either how long or until when", "zh": "等待节点须说明时长或截止日期之一"}
_HINT = {
    "en": "Write `for` (“2 days”) or `until` (a date field), not both",
    "zh": "请填写 for(如 2 days)或 until(日期字段)，二者选一",
}
_NO_DATE: Text = {"en": "This field holds no date", "zh": "该字段不是日期"}
