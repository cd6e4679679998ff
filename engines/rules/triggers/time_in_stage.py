"""A record stays too long in a stage."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.action_type import ActionContext
from engines.durations import Duration, read_duration, say_duration
from engines.rules.trigger_type import Sweep, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName


@dataclass(frozen=True)
class Stay:
    """The stages to watch, and how long is too long."""

    form: str
    field: str
    values: tuple[str, ...]
    duration: timedelta


class TimeInStage(TriggerType):
    """Fires when a stage field has kept a value for a duration; leaving and coming back starts anew."""

    name = "time_in_stage"
    title = {"en": "Time in stage", "zh": "阶段停留"}
    icon = "hourglass"
    source = "sweep"

    class Options(registry.Options):
        form: FormName
        field: FieldName
        value: str | tuple[str, ...]
        duration: Duration

    def compile(self, options: Any, context: ActionContext) -> Stay | None:
        field = context.field(context.form or "", options.field, "field")
        if field is None:
            return None
        if not field.stage:
            message = {"en": f"“{options.field}” is not marked as a stage", "zh": f"“{options.field}”没有标记为阶段"}
            hint = {"en": "Write “stage”: true at the field", "zh": "请在字段上写 “stage”：true"}
            context.add("not_a_stage", message, "field", hint=hint)
        values = (options.value,) if isinstance(options.value, str) else options.value
        if not values:
            message = {"en": "No stage is named", "zh": "没有写出阶段"}
            hint = {"en": "Name one option of the field, or several", "zh": "请写出该字段的一个或多个选项"}
            context.add("too_short", message, "value", hint=hint)
        for value in values:
            context.value(value, "value", parse=lambda raw: field.kind.parse(raw, field))
        return Stay(context.form or "", field.id, values, read_duration(options.duration))

    def due(self, compiled: Stay, sweep: Sweep) -> sa.Select[Any]:
        span = sweep.tables["stage_span"]
        records = sweep.records(compiled.form)
        columns = (records.column("id").label("record"), sa.null().label("row"), span.c.entered_at.label("value"))
        return (
            sa.select(*columns)
            .select_from(records.from_clause.join(span, span.c.record == records.column("id")))
            .where(
                records.condition,
                span.c.app == sweep.app,
                span.c.form == compiled.form,
                span.c.field == compiled.field,
                span.c.value.in_(compiled.values),
                span.c.left_at.is_(None),
                span.c.entered_at > sweep.since - compiled.duration,
                span.c.entered_at <= sweep.now - compiled.duration,
            )
        )

    def moment(self, compiled: Stay, value: Any, zone: ZoneInfo) -> datetime:
        return value + compiled.duration  # type: ignore[no-any-return]

    def sentence(self, options: Any, language: str) -> str:
        value = options.value if isinstance(options.value, str) else ", ".join(options.value)
        length = say_duration(options.duration, language)
        if language == "zh":
            return f"当“{options.form}”的 {options.field} 停留在 {value} 满 {length}时"
        return f"when {options.field} of {options.form} has been {value} for {length}"
