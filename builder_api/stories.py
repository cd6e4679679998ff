"""Tells the stories of an app in a throw-away installation, and says which sentence did not come true."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from sqlalchemy import select

from engines.actor import system
from engines.compiled import CompiledApp
from engines.forms.resolve import system_references
from engines.json_values import to_json
from metadata.app import AppDefinition
from metadata.problems import ROOT, Path, Problem, Refusal
from metadata.stories import Step, StoryDefinition
from metadata.text import Text, say
from runtime import organisation, reading, records, reports, transaction
from runtime.cast import Cast, Clock
from runtime.db import tables
from runtime.db.migrate import migrate
from runtime.flows import instances
from runtime.rules import pausing
from runtime.services import Services, open_services
from runtime.settings import Settings

TOO_SLOW = "stories_too_slow"
TOO_SLOW_HINT: Text = {
    "en": "Make them shorter; or tell them with “fourfold test”, then publish with skip_stories",
    "zh": "请缩短故事；或先用 fourfold test 运行，再带 skip_stories 发布",
}
OUTCOMES = {"approves": "approve", "rejects": "reject", "returns": "return"}
BEGINNING_OF_WORK = time(9, 0)


@dataclass(frozen=True)
class Told:
    """How one story went: well, or with the problem of the first sentence that did not come true."""

    story: StoryDefinition
    problem: Problem | None = None


class NotSo(Exception):
    """What a story says is not the case."""

    def __init__(self, message: Text) -> None:
        super().__init__(say(message, "en"))
        self.message = message


class OutOfTime(Exception):
    """The stories take longer than whoever waits for them has patience."""


@dataclass(frozen=True)
class Patience:
    """How long somebody waits for all stories together; None is for ever."""

    seconds: float | None = None
    started: float = field(default_factory=monotonic)

    def check(self) -> None:
        if self.seconds is not None and monotonic() - self.started > self.seconds:
            raise OutOfTime


def tell(definition: AppDefinition, publish: Any, seconds: float | None = None) -> list[Told]:
    """Tell every story of a definition, each in a fresh copy of a throw-away SQLite installation.

    `publish(services, definition)` makes the definition live there. After `seconds` the story under way is the last.
    """
    if not definition.stories:
        return []
    patience = Patience(seconds)
    with TemporaryDirectory(prefix="fourfold-stories-") as folder:
        template = FilePath(folder) / "template"
        _prepare(template, definition, publish)
        told: list[Told] = []
        for index, story in enumerate(definition.stories):
            copy = FilePath(folder) / f"story-{index}"
            shutil.copytree(template, copy)
            told.append(Told(story, _tell_one(copy, definition, story, ROOT / "stories" / index, patience)))
            shutil.rmtree(copy)
            if told[-1].problem is not None and told[-1].problem.code == TOO_SLOW:
                break
        return told


def problems_of(told: list[Told]) -> list[Problem]:
    return [each.problem for each in told if each.problem is not None]


def _prepare(folder: FilePath, definition: AppDefinition, publish: Any) -> None:
    start = min(_beginning(each) for each in definition.stories)
    with _installation(folder, Clock(start - timedelta(days=1))) as services:
        migrate(services.database)
        publish(services, definition)


@contextmanager
def _installation(folder: FilePath, clock: Clock) -> Iterator[Services]:
    folder.mkdir(parents=True, exist_ok=True)
    services = open_services(Settings(data_dir=folder, database_url=""), clock)
    try:
        yield services
    finally:
        services.close()


def _tell_one(
    folder: FilePath, definition: AppDefinition, story: StoryDefinition, path: Path, patience: Patience
) -> Problem | None:
    clock = Clock(_beginning(story))
    with _installation(folder, clock) as services:
        cast = Cast(services, definition.app, clock, between=patience.check)
        _people(cast, story)
        for index, step in enumerate(story.steps):
            try:
                patience.check()
                _step(cast, step)
            except OutOfTime:
                return Problem(path / "steps" / index, TOO_SLOW, _too_slow(story, index, patience), TOO_SLOW_HINT)
            except NotSo as untrue:
                said = _said(story, index, untrue.message)
                return Problem(path / "steps" / index, "story_untrue", said, _failed_meanwhile(cast))
            except Refusal as refusal:
                why = refusal.problems[0] if refusal.problems else None
                said = _said(story, index, why.message if why else refusal.detail)
                return Problem(path / "steps" / index, "story_refused", said, why.hint if why else "")
    return None


def _failed_meanwhile(cast: Cast) -> Text:
    """What went wrong in a job that nobody waited for, and why: mostly the reason why something is not so."""
    job = tables.job
    failed = select(job.c.rule, job.c.last_error).where(job.c.last_error.is_not(None), job.c.rule.is_not(None))
    with cast.services.database.read() as connection:
        row = connection.execute(failed.order_by(job.c.run_at.desc()).limit(1)).first()
        if row is None:
            return ""
        rule = pausing.title_of(cast.services, connection, cast.app, row.rule)
    return {
        "en": f"The rule “{say(rule, 'en')}” failed meanwhile: {row.last_error}",
        "zh": f"期间规则“{say(rule, 'zh')}”执行失败：{row.last_error}",
    }


def _beginning(story: StoryDefinition) -> datetime:
    return datetime.combine(story.today, BEGINNING_OF_WORK, UTC)


def _said(story: StoryDefinition, index: int, message: Text) -> Text:
    return {
        "en": f"The story “{story.name}” fails at step {index + 1}: {say(message, 'en')}",
        "zh": f"故事“{say(story.title or story.name, 'zh')}”在第 {index + 1} 步失败：{say(message, 'zh')}",
    }


def _too_slow(story: StoryDefinition, index: int, patience: Patience) -> Text:
    chinese = say(story.title or story.name, "zh")
    return {
        "en": f"The stories take longer than {patience.seconds:g} s; “{story.name}” was at step {index + 1} then",
        "zh": f"故事运行超过 {patience.seconds:g} 秒；当时“{chinese}”正在第 {index + 1} 步",
    }


def _people(cast: Cast, story: StoryDefinition) -> None:
    """Sign everybody up, in the departments and under the managers that the story names."""
    with transaction.begin(cast.services, system("story")) as tx:
        live = cast.services.apps.live(tx, cast.app)
        departments = {name: organisation.add_department(tx, name) for name in story.departments}
        for name, roles in story.people.items():
            home = next((departments[d] for d, members in story.departments.items() if name in members), None)
            address = f"{name}@story.example"
            cast.people[name] = organisation.add_member(
                tx, name, address, language="zh", time_zone=str(live.zone), department=home
            )
            for role in roles:
                organisation.grant_role(tx, cast.app, live.role_ids[role], cast.people[name])
        for department, parent in story.parents.items():
            organisation.set_parent(tx, departments[department], departments[parent])
        for department, head in story.heads.items():
            organisation.set_head(tx, departments[department], cast.people[head])
        for name, manager in story.managers.items():
            organisation.set_manager(tx, cast.people[name], cast.people[manager])


# --- sentences ---


def _step(cast: Cast, step: Step) -> None:
    if step.wait is not None:
        cast.pass_time(_length(step.wait))
    elif step.does is not None:
        _deed(cast, step)
    else:
        LOOKS[str(step.then)](cast, step)


def _deed(cast: Cast, step: Step) -> None:
    """Somebody acts; where the story says that it is refused, it must be, and for that reason."""
    try:
        DEEDS[str(step.does)](cast, step)
    except Refusal as refusal:
        codes = {refusal.code, *(problem.code for problem in refusal.problems)}
        if step.refused is None:
            raise
        if step.refused != "any" and step.refused not in codes:
            told = ", ".join(sorted(codes))
            raise _not_so(f"it was refused for another reason ({told})", f"被拒绝的原因是另一个（{told}）") from refusal
        return
    if step.refused is not None:
        raise _not_so("it was not refused", "操作没有被拒绝")


def _saves(cast: Cast, step: Step) -> None:
    known = step.record is not None
    cast.save(str(step.who), step.form, step.values or {}, step.record if known else step.as_, known)


def _deletes(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        records.delete(tx, app, form, id, check_version=False)


def _restores(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        records.restore(tx, app, form, id)


def _submits(cast: Cast, step: Step) -> None:
    """Start a flow; what was returned to the person is submitted again."""
    who, record = str(step.who), str(step.record)
    returned = [task for task in cast.open_tasks(who, record=record) if task.kind == "resubmit"]
    if returned and step.flow is None:
        cast.decide(who, "resubmit", returned[0], step.values or {}, step.comment or "")
    else:
        cast.submit(who, record, step.flow)


def _decides(cast: Cast, step: Step) -> None:
    outcome = OUTCOMES[str(step.does)]
    cast.decide(str(step.who), outcome, _open_task(cast, step), step.values or {}, step.comment or "", target=step.to)


def _open_task(cast: Cast, step: Step) -> Any:
    who, node = str(step.who), f"“{step.task}”" if step.task else ""
    tasks = cast.open_tasks(who, step.task, step.record)
    if not tasks:
        raise _not_so(f"{who} has no open task {node}".rstrip(), f"{who} 没有待办{node}")
    return tasks[0]


def _withdraws(cast: Cast, step: Step) -> None:
    with cast.acting(str(step.who)) as (tx, app):
        instances.withdraw(tx, app, _instance(cast, step)[0].id, step.comment or "")


def _comments(cast: Cast, step: Step) -> None:
    task = _open_task(cast, step)
    with cast.acting(str(step.who)) as (tx, app):
        instances.remark(tx, app, task.id, step.comment or step.text or "")


def _assigns(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with cast.acting(str(step.who)) as (tx, app):
        owner = cast.person(step.to) if step.to is not None else None
        records.assign(tx, app, form, id, owner, check_version=False)


DEEDS = {
    "saves": _saves,
    "deletes": _deletes,
    "restores": _restores,
    "submits": _submits,
    "approves": _decides,
    "rejects": _decides,
    "returns": _decides,
    "withdraws": _withdraws,
    "comments": _comments,
    "assigns": _assigns,
}


# --- what must be the case ---


def _record(cast: Cast, step: Step) -> None:
    form, id = cast.record(str(step.record))
    with transaction.read(cast.services, system("story")) as tx:
        app = cast.services.apps.live(tx, cast.app)
        values = reading.masked_records(tx, app, form, [id]).get(id)
        if values is None:
            raise _not_so("the record is gone", "记录已不存在")
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
        raise _not_so(f"{name} is {said}, not {wished}", f"{name} 是 {said}，而不是 {wished}")


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
            raise _not_so("the record is there", "记录仍然存在")


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
        raise _not_so(f"{step.for_} has {len(found)} open tasks", f"{step.for_} 有 {len(found)} 个待办")


def _flow(cast: Cast, step: Step) -> None:
    states = [row.state for row in _instance(cast, step)]
    if step.state is not None and (not states or states[0] != step.state):
        if not states:
            raise _not_so("the flow was not started", "流程尚未启动")
        raise _not_so(f"the flow is {states[0]}", f"流程状态为 {states[0]}")


def _notification(cast: Cast, step: Step) -> None:
    note = tables.notification
    mine = select(note.c.title, note.c.body).where(note.c.member == cast.person(str(step.for_)))
    with cast.services.database.read() as connection:
        texts = [f"{row.title}\n{row.body or ''}" for row in connection.execute(mine)]
    _count(step, sum(1 for text in texts if step.text is None or step.text in text))


def _mail(cast: Cast, step: Step) -> None:
    address = f"{step.to}@story.example" if step.to in cast.people else step.to
    sent = [mail for mail in cast.mails if address is None or mail["to"] == address]
    _count(step, sum(1 for mail in sent if step.text is None or step.text in mail["subject"] + mail["body"]))


def _report(cast: Cast, step: Step) -> None:
    """The totals of a report, as a person (or the platform) sees them."""
    actor = cast.actor(step.for_) if step.for_ else system("story")
    with transaction.read(cast.services, actor) as tx:
        answer = reports.run(tx, cast.services.apps.live(tx, cast.app), str(step.report), {})
    for name, wanted in (step.values or {}).items():
        actual = answer.result.totals.get(name)
        if _plain(actual) != _plain(wanted):
            said, wished = _told(actual), _told(wanted)
            raise _not_so(f"{name} is {said}, not {wished}", f"{name} 是 {said}，而不是 {wished}")


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


def _count(step: Step, found: int) -> None:
    """Exactly so many where the story gives a count, else at least one."""
    if step.count is not None and found != step.count:
        raise _not_so(f"there are {found}, not {step.count}", f"共有 {found} 个，而不是 {step.count} 个")
    if step.count is None and not found:
        raise _not_so("there is none", "一个也没有")


def _instance(cast: Cast, step: Step) -> list[Any]:
    form, id = cast.record(str(step.record))
    instance = tables.flow_instance
    of_record = select(instance).where(instance.c.form == form, instance.c.record == id)
    with cast.services.database.read() as connection:
        return list(connection.execute(of_record.order_by(instance.c.started_at.desc(), instance.c.id.desc())))


def _length(text: str) -> timedelta:
    number, unit = text.split(" ", 1)
    return timedelta(**{f"{unit.rstrip('s')}s": int(number)})


def _not_so(english: str, chinese: str) -> NotSo:
    return NotSo({"en": english, "zh": chinese})
