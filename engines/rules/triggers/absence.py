"""Nothing happened for a while: no new child record or row, or no change at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.action_type import ActionContext
from engines.durations import Duration, read_duration, say_duration
from engines.rules.trigger_type import Sweep, TriggerType
from metadata import registry
from metadata.names import FieldName, FormName, Reference
from metadata.text import Text


@dataclass(frozen=True)
class Silence:
    """What has not happened, and for how long: a new record of `child`, a new row of `rows`, else any change."""

    form: str
    duration: timedelta
    child: str | None = None
    link: str | None = None
    rows: str | None = None
    subform: str | None = None


class Absence(TriggerType):
    """Fires when no child came for a duration since the last one (or since the record); a new child re-arms it."""

    name = "absence"
    title = {"en": "Nothing happened", "zh": "长时间无动作"}
    icon = "bell-off"
    source = "sweep"

    class Options(registry.Options):
        form: FormName
        child: FormName | None = None
        link: Annotated[str, Reference("field", of="child")] | None = None
        rows: FieldName | None = None
        duration: Duration

    def compile(self, options: Any, context: ActionContext) -> Silence | None:
        form, duration = context.form or "", read_duration(options.duration)
        if options.child is not None and options.rows is not None:
            context.ask_to_mend("useless_key", _BOTH, "rows", hint=_ONE_OF_THEM)
        if options.child is not None:
            child = context.form_id(options.child, "child")
            if child == form:
                message = {"en": "The child must be another form", "zh": "子记录必须是另一个表单"}
                context.add("same_form", message, "child")
                return None
            link = self._link(options, child, form, context) if child else None
            return Silence(form, duration, child, link) if link else None
        if options.rows is not None:
            field = context.field(form, options.rows, "rows")
            subform = context.subform(options.rows, "rows")
            return Silence(form, duration, rows=field.id, subform=subform) if field and subform else None
        return Silence(form, duration)

    def due(self, compiled: Silence, sweep: Sweep) -> sa.Select[Any]:
        records = sweep.records(compiled.form)
        low, high = sweep.since - compiled.duration, sweep.now - compiled.duration
        if compiled.child is None and compiled.rows is None:
            value = records.column("updated_at")
            return _found(records, value, value > low, value <= high)
        source, at, belongs = _children(compiled, sweep, records)
        children = sa.select(at).select_from(source).where(belongs).correlate(records.source)
        last = children.with_only_columns(sa.func.max(at)).scalar_subquery()
        started = records.column("created_at")
        silent = ~children.where(at > high).exists()
        begun = sa.or_(started > low, children.where(at > low).exists())
        return _found(records, sa.func.coalesce(last, started, type_=started.type), started <= high, silent, begun)

    def moment(self, compiled: Silence, value: Any, zone: ZoneInfo) -> datetime:
        return value + compiled.duration  # type: ignore[no-any-return]

    def sentence(self, options: Any, language: str) -> str:
        length = say_duration(options.duration, language)
        what = options.child or options.rows
        if language == "zh":
            return f"当“{options.form}”连续 {length}没有{f'新的 {what}' if what else '任何修改'}时"
        return f"when {options.form} has had {f'no new {what}' if what else 'no change'} for {length}"

    def _link(self, options: Any, child: str, form: str, context: ActionContext) -> str | None:
        """The link of the child that leads here: the one that is named, else the only one there is."""
        if options.link is not None:
            field = context.field(child, options.link, "link")
            if field is not None and (field.target != form or field.is_list):
                message = {
                    "en": f"“{options.link}” is no link to one record of {options.form}",
                    "zh": f"“{options.link}”不是指向“{options.form}”单条记录的关联字段",
                }
                context.add("not_a_link", message, "link", hint=_LEADS_HERE)
            return field.id if field is not None else None
        links = [field.id for field in context.app.forms[child].fields.values() if field.target == form]
        if len(links) == 1:
            return links[0]
        if links:
            message = {
                "en": f"Say which link of {options.child} is meant",
                "zh": f"请说明使用 {options.child} 的哪个关联字段",
            }
            context.add("ambiguous_link", message, "link")
        else:
            message = {
                "en": f"No link of {options.child} leads to {options.form}",
                "zh": f"{options.child} 中没有指向“{options.form}”的关联字段",
            }
            context.add("no_link", message, "child")
        return None


def _children(compiled: Silence, sweep: Sweep, records: Any) -> tuple[Any, Any, Any]:
    """Where the children are, when each came into being, and what makes them this record's."""
    if compiled.child is not None:
        child = sweep.others(compiled.child)
        belongs = child.column(compiled.link) == records.column("id")
        at = child.column("created_at")
        return child.from_clause, at, sa.and_(child.condition, belongs)
    rows, belongs = records.rows(compiled.rows)
    version, earlier = sweep.tables["record_version"].alias(), sweep.tables["record_version"].alias()
    own = sa.and_(version.c.app == sweep.app, version.c.form == compiled.subform, version.c.record == rows.column("id"))
    same = (earlier.c.app == version.c.app, earlier.c.form == version.c.form, earlier.c.record == version.c.record)
    begun_before = sa.select(sa.literal(1)).where(*same, earlier.c.seq < version.c.seq).exists()
    return rows.source.join(version, own), version.c.at, sa.and_(belongs, ~begun_before)


def _found(records: Any, value: Any, *conditions: Any) -> sa.Select[Any]:
    columns = {"record": records.column("id"), "row": sa.null(), "value": value}
    statement: sa.Select[Any] = records.select(columns)
    return statement.where(*conditions)


_BOTH: Text = {"en": "Either new records or new rows are waited for", "zh": "只能等待新的子记录或新的明细行之一"}
_ONE_OF_THEM: Text = {"en": "Leave “child” or “rows” out", "zh": "请删去 child 或 rows"}
_LEADS_HERE: Text = {
    "en": "Name a link of the child that holds one record of this form",
    "zh": "请填写子表单中关联到本表单单条记录的字段",
}
