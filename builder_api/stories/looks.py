"""What must be the case in a story: records, tasks, flows, messages, totals."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from builder_api.stories.untrue import not_so
from engines.actor import system
from engines.compiled import CompiledApp
from engines.json_values import to_json
from engines.system_fields import system_references
from metadata.stories import Step
from runtime import reading, reports, transaction
from runtime.cast import Cast
from runtime.db import tables


def look(cast: Cast, step: Step) -> None:
    """Look whether a sentence came true."""
    LOOKS[str(step.then)](cast, step)


def _record(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with transaction.read(cast.services, system("story")) as tx:
        app = cast.services.apps.live(tx, cast.app)
        values = reading.masked_records(tx, app, form, [id]).get(id)
        if values is None:
            raise not_so("the record is gone", "记录已不存在")
        for name, wanted in (step.values or {}).items():
            _compare(cast, app, form, name, wanted, values)


def _compare(cast: Cast, app: CompiledApp, form: str, name: str, wanted: Any, values: Mapping[str, Any]) -> None:
    compiled = app.form(form)
    found = compiled.field(name)
    value = values.get(found.id if found is not None else name)
    if found is None:
        actual = to_json(value, system_references(form)[name].type)
    else:
        actual = found.kind.to_json(value, found) if found.subform is None else value
    expected = cast.resolved(wanted, app)
    if isinstance(expected, str) and expected in cast.people and str(actual) == str(cast.people[expected]):
        return
    if _plain(actual) != _plain(expected):
        said, wished = _told(actual), _told(expected)
        raise not_so(f"{name} is {said}, not {wished}", f"{name} 是 {said}，而不是 {wished}")


def _told(value: Any) -> str:
    """A value as the story would write it."""
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else value


def _no_record(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    actor = cast.actor(step.for_) if step.for_ else system("story")
    with transaction.read(cast.services, actor) as tx:
        if reading.readable_ids(tx, cast.services.apps.live(tx, cast.app), form, [id]):
            raise not_so("the record is there", "记录仍然存在")


def _records(cast: Cast, step: Step) -> None:
    actor = cast.actor(step.for_) if step.for_ else system("story")
    with transaction.read(cast.services, actor) as tx:
        app = cast.services.apps.live(tx, cast.app)
        found = reading.count_records(tx, app, str(step.form), reading.ListQuery(filter=step.where or ""))
    _count(step, found)


def _task(cast: Cast, step: Step) -> None:
    _count(step, len(cast.open_tasks(str(step.for_), step.node or step.task, step.record)))


def _no_task(cast: Cast, step: Step) -> None:
    if found := cast.open_tasks(str(step.for_), step.node or step.task, step.record):
        raise not_so(f"{step.for_} has {len(found)} open tasks", f"{step.for_} 有 {len(found)} 个待办")


def _flow(cast: Cast, step: Step) -> None:
    states = [row.state for row in cast.flows_of(str(step.record))]
    if step.state is not None and (not states or states[0] != step.state):
        if not states:
            raise not_so("the flow was not started", "流程尚未启动")
        raise not_so(f"the flow is {states[0]}", f"流程状态为 {states[0]}")


def _notification(cast: Cast, step: Step) -> None:
    note = tables.notification
    mine = select(note.c.title, note.c.body).where(note.c.member == cast.person(str(step.for_)))
    with cast.services.database.read() as connection:
        texts = [f"{row.title}\n{row.body or ''}" for row in connection.execute(mine)]
    _count_texts(step, texts)


def _mail(cast: Cast, step: Step) -> None:
    to = step.for_ or step.to
    address = f"{to}@story.example" if to in cast.people else to
    sent = [mail for mail in cast.mails if address is None or mail["to"] == address]
    _count_texts(step, [f"{mail['subject']}\n{mail['body']}" for mail in sent])


def _report(cast: Cast, step: Step) -> None:
    """The totals of a report, as a person (or the platform) sees them."""
    actor = cast.actor(step.for_) if step.for_ else system("story")
    with transaction.read(cast.services, actor) as tx:
        answer = reports.run(tx, cast.services.apps.live(tx, cast.app), str(step.report), {})
    for name, wanted in (step.values or {}).items():
        actual = answer.result.totals.get(name)
        if _plain(actual) != _plain(wanted):
            said, wished = _told(actual), _told(wanted)
            raise not_so(f"{name} is {said}, not {wished}", f"{name} 是 {said}，而不是 {wished}")


def _count_texts(step: Step, texts: list[str]) -> None:
    """How many hold the text that the step looks for; where it is in none, the last ones are told."""
    found = [text for text in texts if step.text is None or step.text in text]
    if step.count is None and texts and not found:
        last = ", ".join(f"“{' '.join(text.split())[:120]}”" for text in texts[-3:])
        raise not_so(f"“{step.text}” is not in {last}", f"“{step.text}”不在以下内容中：{last}")
    _count(step, len(found))


def _count(step: Step, found: int) -> None:
    """Exactly so many where the story gives a count, else at least one."""
    if step.count is not None and found != step.count:
        raise not_so(f"there are {found}, not {step.count}", f"共有 {found} 个，而不是 {step.count} 个")
    if step.count is None and not found:
        raise not_so("there is none", "一个也没有")


LOOKS = {
    "record": _record,
    "no_record": _no_record,
    "records": _records,
    "task": _task,
    "no_task": _no_task,
    "flow": _flow,
    "notification": _notification,
    "mail": _mail,
    "report": _report,
}
