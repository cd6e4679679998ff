"""What a line of the to-do list tells of its record: an amount and two facts, as far as the task shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from engines.compiled import CompiledApp, CompiledForm
from metadata.problems import ROOT, Invalid, NotFound
from runtime import reading
from runtime.flows.task_access import task_grants
from runtime.flows.tasks import TaskLine
from runtime.reading.question import Question
from runtime.reading.shown_columns import Wanted, resolve
from runtime.transaction import Tx
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.looks import system_field
from runtime.web.pages.lists.pages import drawing_of
from runtime.web.pages.page import Page

MOST = 2
SPEAKS_FOR_ITSELF = ("link", "member", "department", "text", "yes_no")
NOT_TOLD = ("rows", "list", "datetime")


@dataclass(frozen=True)
class TaskFacts:
    """The first amount among the columns of the form's list, and the first others that its label does not say."""

    amount: str = ""
    of: str = ""
    others: tuple[str, ...] = ()


def facts_by_line(page: Page, tx: Tx, lines: Sequence[TaskLine]) -> dict[int, TaskFacts]:
    """The facts of each line; one question for each form. Lines whose record is out of sight have none."""
    found: dict[int, TaskFacts] = {}
    for app_name, form_name in dict.fromkeys((each.app, each.form) for each in lines):
        about = {each.id: each.record for each in lines if (each.app, each.form) == (app_name, form_name)}
        try:
            app = page.services.apps.live(tx, app_name)
            records = _records(drawing_of(page, tx, app), tx, app, app.form(form_name), sorted(set(about.values())))
        except NotFound:
            continue
        found |= {line: records[record] for line, record in about.items() if record in records}
    return found


def _records(drawing: Drawing, tx: Tx, app: CompiledApp, form: CompiledForm, ids: list[int]) -> dict[int, TaskFacts]:
    also = task_grants(tx, app, tx.actor)
    columns = list(_columns(Question.of(tx, app, form.id, None, also)))
    names = [each.name for each in columns]
    shown = reading.shown_records(tx, app, form.id, ids, fields=names, also=also)
    return {each.id: _facts(drawing, columns, each) for each in shown}


def _columns(question: Question) -> Iterator[Wanted]:
    """The columns of the form's list that a line has not told already, by its label or its state."""
    app, form = question.app, question.form
    told = {*_in_label(form), *form.stages, "owner"}
    definition = next((each for each in app.definition.forms if each.key == form.id), None)
    names = [each.field for each in definition.columns] if definition else []
    for name in names or [each.name for each in form.fields.values()]:
        try:
            wanted = resolve(app, question.names, form.id, name, ROOT)
        except Invalid:
            continue
        if wanted.path[0] not in told and wanted.type.name not in NOT_TOLD:
            yield wanted


def _in_label(form: CompiledForm) -> Iterable[str]:
    templates = [*form.labels.values(), *([form.label] if form.label is not None else [])]
    return (path[1] for each in templates for path in each.reads if len(path) > 1)


def _facts(drawing: Drawing, columns: Sequence[Wanted], shown: reading.Shown) -> TaskFacts:
    facts = TaskFacts()
    for each in columns:
        field = each.field or system_field(each.name.split(".")[-1], each.type, drawing.language)
        text = drawing.shown(field, shown.values.get(each.key), shown.labels.get(each.key))
        if not text:
            continue
        if drawing.is_money(field):
            facts = facts if facts.amount else replace(facts, amount=text, of=drawing.title(field))
        elif len(facts.others) < MOST and shown.values.get(each.key) is not False:
            told = text if each.type.name in SPEAKS_FOR_ITSELF else f"{drawing.title(field)} {text}"
            facts = replace(facts, others=(*facts.others, told))
    return facts
