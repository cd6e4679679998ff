"""A moment before or after a date of the record, or of one of its rows."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.action_type import ActionContext
from engines.rules.moments import Offset, OffsetText, TimeText, moment_of, read_offset, read_time, values_between
from engines.rules.trigger_type import Change, Sweep, TriggerType
from metadata import registry
from metadata.names import FieldThroughRows, FormName, RowsAtHand


@dataclass(frozen=True)
class Dated:
    """The date to count from: a field of the form, or of the rows of a subform."""

    form: str
    field: str
    rows: str | None
    day: bool
    offset: Offset
    at: time | None


class Date(TriggerType):
    """Fires at `offset` from a date ("-7 day" before, "+24 hour" after), at a time of day in the app's time zone."""

    name = "date"
    title = {"en": "Before or after a date", "zh": "日期前后"}
    icon = "calendar-event"
    source = "sweep"

    class Options(registry.Options):
        form: FormName
        rows: RowsAtHand | None = None
        field: FieldThroughRows
        offset: OffsetText = "0 day"
        time: TimeText | None = None

    def compile(self, options: Any, context: ActionContext) -> Dated | None:
        form = self.row_form(options, context) or context.form or ""
        rows = context.field(context.form or "", options.rows, "rows") if options.rows else None
        type_name, id = context.typed(form, options.field, "field")
        if id is None:
            return None
        if type_name not in ("date", "datetime"):
            message = {"en": f"“{options.field}” is no date", "zh": f"“{options.field}”不是日期"}
            hint = {"en": "Name a date or date-time field", "zh": "请选择日期或日期时间字段"}
            context.add("not_a_date", message, "field", hint=hint)
            return None
        offset, at = read_offset(options.offset), read_time(options.time)
        return Dated(context.form or "", id, rows.id if rows else None, type_name == "date", offset, at)

    def row_form(self, options: Any, context: ActionContext) -> str | None:
        return context.subform(options.rows, "rows") if options.rows else None

    def due(self, compiled: Dated, sweep: Sweep) -> sa.Select[Any] | None:
        low, high = values_between(sweep.since, sweep.now, compiled.offset, compiled.at, sweep.zone, compiled.day)
        if low == high:
            return None  # days pass once a day
        records = sweep.records(compiled.form)
        if compiled.rows is None:
            value = records.column(compiled.field)
            columns = {"record": records.column("id"), "row": sa.literal(None, sa.BigInteger), "value": value}
            return records.where(sa.and_(value > low, value <= high)).select(columns)  # type: ignore[no-any-return]
        rows, belongs = records.rows(compiled.rows)
        value = rows.column(compiled.field)
        labelled = [records.column("id").label("record"), rows.column("id").label("row"), value.label("value")]
        joined = records.from_clause.join(rows.source, belongs)
        return sa.select(*labelled).select_from(joined).where(records.condition, value > low, value <= high)

    def moment(self, compiled: Dated, value: Any, zone: ZoneInfo) -> datetime:
        return moment_of(value, compiled.offset, compiled.at, zone)

    def missed(
        self, compiled: Dated, change: Change, now: datetime, zone: ZoneInfo
    ) -> tuple[tuple[int | None, date], ...]:
        """What a save has set too late for its reminder, though the date itself is still ahead."""
        if change.event.operation not in ("create", "update"):
            return ()
        before = set(_dates(compiled, change.event.before))
        fresh = (pair for pair in _dates(compiled, change.event.after) if pair not in before)
        return tuple(
            (row, value) for row, value in fresh if self.moment(compiled, value, zone) <= now < _end(value, zone)
        )

    def sentence(self, options: Any, language: str) -> str:
        offset = read_offset(options.offset)
        what = options.field
        if options.rows:
            what = f"{options.rows}的{what}" if language == "zh" else f"{what} of {options.rows}"
        at = f" {options.time}" if options.time else ""
        if language == "zh":
            when = f"{'前' if offset.amount < 0 else '后'} {offset.say('zh')}" if offset.amount else "当天"
            return f"在“{options.form}”的 {what} {when}{at}"
        when = f"{offset.say('en')} {'before' if offset.amount < 0 else 'after'}" if offset.amount else "at"
        return f"{when} {what} of {options.form}{f', at{at}' if at else ''}"


def _dates(compiled: Dated, record: Any) -> list[tuple[int | None, Any]]:
    if record is None:
        return []
    if compiled.rows is None:
        return [(None, record[compiled.field])] if record.get(compiled.field) is not None else []
    rows = record.get(compiled.rows) or ()
    return [(row["id"], row[compiled.field]) for row in rows if row.get(compiled.field) is not None]


def _end(value: date | datetime, zone: ZoneInfo) -> datetime:
    """Up to when a date counts as being ahead."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(23, 59), zone)
