"""The page of one record: its stage, its key facts, all fields, what is related to it, and its history."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from engines.access import may, view
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.rules import sentence_of
from metadata.problems import Refused
from metadata.value_types import MEMBER
from runtime import reading
from runtime.flows import instances, progress, task_access, tasks
from runtime.flows.task_access import task_grants
from runtime.reading import Shown
from runtime.reading.question import Question
from runtime.rules import traces
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.incoming import number_in
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.looks import system_field
from runtime.web.pages.fields.views import FieldView
from runtime.web.pages.lists.listing import Listing
from runtime.web.pages.lists.pages import drawing_of
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.pages.records import timeline
from runtime.web.pages.records.forms import stored_files
from runtime.web.pages.records.related import related_lists
from runtime.web.pages.records.rights import may_do, rights_of
from runtime.web.pages.records.views import RecordForm

router = APIRouter(include_in_schema=False, prefix="/apps/{app}/forms/{form}")

MOST_FACTS = 5
MOST_TRACES = 10


@router.get("/{id:int}")
def record_page(page: SignedInOnly, app: str, form: str, id: int) -> Response:
    with page.visit.read() as tx:
        compiled = page.services.apps.live(tx, app)
        found = compiled.form(form)
        title = page.say(found.title)
        also = task_grants(tx, compiled, page.actor)
        shown = reading.get(tx, compiled, found.id, id)
        drawing = replace(drawing_of(page, tx, compiled), files=stored_files(tx, found, shown.values))
        readable = view(compiled, page.actor, found.id, "read", also).fields
        drawn = RecordForm(drawing, found, shown.values, shown.labels, readable, updating=shown.updating)
        path = f"/apps/{app}/forms/{form}"
        record = _record(page, tx, compiled, found, shown, drawing, readable, path)
        now = tx.now.astimezone(drawing.zone)
        return page.show(tx, "pages/app/record.html", record=record, form=drawn.view(), back=[(path, title)], now=now)


@router.post("/{id:int}/submit/{flow}")
def submit(page: SignedInOnly, data: CheckedForm, app: str, form: str, id: int, flow: str) -> Response:
    """Start a flow on the record."""
    version = str(data.get("version", ""))

    def work(tx: Tx) -> None:
        compiled = page.services.apps.live(tx, app)
        instances.submit(tx, compiled, flow, form, id, number_in(version))

    page.visit.once_of_form(data, work)
    return page.go(f"/apps/{app}/forms/{form}/{id}", page.word("Submitted"))


def _record(
    page: Page,
    tx: Tx,
    app: CompiledApp,
    form: CompiledForm,
    shown: Shown,
    drawing: Drawing,
    readable: frozenset[str],
    path: str,
) -> dict[str, Any]:
    listing = Listing(tx, app, form, drawing, page.request.query_params)
    running = task_access.running(tx, app, form.id, shown.id)
    here = f"{path}/{shown.id}"
    return {
        "id": shown.id,
        "here": here,
        "version": shown.version,
        "label": _label(tx, app, form, shown),
        "locked": bool(running),
        "actions": [] if running else _actions(page, tx, app, form, shown.id, here),
        "edit": f"{here}/edit" if _can_edit(tx, app, form, shown.id) else "",
        "task": tasks.open_on(tx, app, form.id, shown.id),
        "remove": f"{here}/delete" if not running and may_do(tx, app, form.id, shown.id, "delete") else "",
        "stages": _stages(drawing, form, shown, readable),
        "facts": _facts(drawing, form, shown, readable),
        "related": related_lists(tx, listing, shown.id) if may(app, page.actor, "read", form.id) else [],
        "flows": progress.instances_of(tx, app, form.id, shown.id),
        "traces": traces.of_record(tx, app, form.id, shown.id, limit=MOST_TRACES),
        "why": f"{here}/why" if _rules_of(app, form) else "",
        "history": timeline.of_record(page, tx, app, form, shown.id, drawing),
        "more_history": "",
    }


@router.get("/{id:int}/why")
def why(page: SignedInOnly, app: str, form: str, id: int, rule: str = "") -> Response:
    """Why a rule acted on the record, or did not: every term of its condition with its value."""
    with page.visit.read() as tx:
        compiled = page.services.apps.live(tx, app)
        found = compiled.form(form)
        shown = reading.get(tx, compiled, found.id, id)
        rules = _rules_of(compiled, found)
        chosen = next((each for each in rules if each.name == rule), None)
        told = None
        if chosen is not None:
            answer = traces.why_not(tx, compiled, chosen, found.id, id)
            told = traces.show(tx, compiled, answer, page.language)
        context: dict[str, Any] = {
            "label": _label(tx, compiled, found, shown),
            "back": [(f"/apps/{app}/forms/{form}", page.say(found.title))],
            "record_href": f"/apps/{app}/forms/{form}/{id}",
            "rules": [{"name": each.name, "title": page.say(each.title)} for each in rules],
            "chosen": rule,
            "sentence": _sentence(page, compiled, chosen, told) if chosen is not None else "",
            "told": told,
        }
        return page.show(tx, "pages/app/why.html", **context)


def _sentence(page: Page, app: CompiledApp, rule: Any, told: Any) -> str:
    """The rule in words, unless it speaks of what is hidden from the reader."""
    hidden = any(term["hidden"] for term in told["terms"])
    return "" if hidden else sentence_of(app, rule, page.language)


@router.post("/{id:int}/withdraw/{instance:int}")
def withdraw(page: SignedInOnly, data: CheckedForm, app: str, form: str, id: int, instance: int) -> Response:
    """Take my request back."""
    page.visit.once_of_form(data, lambda tx: instances.withdraw(tx, page.services.apps.live(tx, app), instance))
    return page.go(f"/apps/{app}/forms/{form}/{id}", page.word("Withdrawn. The record is yours again."))


def _can_edit(tx: Tx, app: CompiledApp, form: CompiledForm, id: int) -> bool:
    try:
        return bool(rights_of(tx, app, form, id).changeable(form))
    except Refused:
        return False


def _rules_of(app: CompiledApp, form: CompiledForm) -> list[Any]:
    return [each for each in app.rules if each.form == form.id and each.enabled]


def _label(tx: Tx, app: CompiledApp, form: CompiledForm, shown: Shown) -> str:
    """How the record is called, for whoever sees it, by his roles or an open task."""
    question = Question.of(tx, app, form.id, None, task_grants(tx, app, tx.actor))
    statement, label = question.called()
    row = tx.connection.execute(statement, {"ids": [shown.id]}).mappings().first()
    return (label.text(dict(row), "@", question.facts, tx.actor.language) if row else None) or f"#{shown.id}"


def _actions(page: Page, tx: Tx, app: CompiledApp, form: CompiledForm, id: int, here: str) -> list[dict[str, str]]:
    """The flows that this person may start on the record."""
    if not may_do(tx, app, form.id, id, "start_flow"):
        return []
    offered = instances.startable(tx, app, form.id, id)
    said = page.word("Submit")
    return [
        {"href": f"{here}/submit/{each.id}", "title": said if len(offered) == 1 else f"{said}: {page.say(each.title)}"}
        for each in offered
    ]


def _stages(drawing: Drawing, form: CompiledForm, shown: Shown, readable: frozenset[str]) -> list[dict[str, str]]:
    """The stage path: what lies behind, where the record stands, what is to come."""
    field = next((form.fields[each] for each in form.stages if each in readable), None)
    if field is None:
        return []
    choices = drawing.choices(field)
    at = next((index for index, each in enumerate(choices) if each.value == shown.values.get(field.id)), None)
    states = ["todo" if at is None or i > at else "doing" if i == at else "done" for i in range(len(choices))]
    return [{"title": each.title, "state": state} for each, state in zip(choices, states, strict=True)]


def _facts(drawing: Drawing, form: CompiledForm, shown: Shown, readable: frozenset[str]) -> list[FieldView]:
    """What a glance should tell: amounts, dates, shares and people that the record has, and its owner."""
    chosen: list[CompiledField] = [
        each for each in form.fields.values() if each.id in readable and _tells(drawing, each, shown.values)
    ]
    facts = [
        drawing.view(each, shown.values.get(each.id), shown.labels.get(each.id), updating=each.id in shown.updating)
        for each in chosen[:MOST_FACTS]
    ]
    owner = shown.values.get("owner")
    if owner is not None:
        field = system_field("owner", MEMBER, drawing.language)
        facts.append(drawing.view(field, owner, shown.labels.get("owner")))
    return facts if len(facts) > 1 else []


def _tells(drawing: Drawing, field: CompiledField, values: Any) -> bool:
    if values.get(field.id) in (None, ""):
        return False
    return drawing.look(field).tells
