"""The to-do centre: what waits for me, one task with its whole case, and the decision."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from engines.compiled import CompiledApp
from metadata.problems import Conflict, Invalid, LimitExceeded, Refusal
from runtime.flows import instances
from runtime.flows.task_view import TaskView, app_of_task, task_view
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.pages.fields.posted import Posted
from runtime.web.pages.lists.pages import drawing_of
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.pages.records.forms import person_in_browser, stored_files
from runtime.web.pages.records.linked_values import keys_in, linked
from runtime.web.pages.records.views import RecordForm
from runtime.web.pages.todo.listing import Asked, list_context

router = APIRouter(include_in_schema=False)

WRITABLE = ("write", "required")


@router.get("/todo")
def todo(page: SignedInOnly) -> Response:
    """The list; on a wide screen the first task is open beside it."""
    asked = Asked.of(page.request.query_params)
    with page.visit.read() as tx:
        lines = asked.lines(tx)
        context = list_context(page, tx, asked, lines)
        first = context["line_groups"][0]["lines"][0]["line"].id if lines.items and asked.box != "started" else None
        opened = _case(page, tx, first) if first is not None else None
        return page.show(tx, "pages/app/todo.html", **context, case=opened, alone=False)


@router.get("/todo/{id:int}")
def task_page(page: SignedInOnly, id: int) -> Response:
    """One task; on a phone it fills the screen."""
    asked = Asked.of(page.request.query_params)
    with page.visit.read() as tx:
        context = list_context(page, tx, asked, asked.lines(tx))
        return page.show(tx, "pages/app/todo.html", **context, case=_case(page, tx, id), alone=True)


@router.post("/todo/{id:int}/{operation}")
def decide(page: SignedInOnly, data: CheckedForm, id: int, operation: str) -> Response:
    """Decide the task with what was filled in; a refusal redraws the case with everything that was typed."""
    with page.visit.read() as tx:
        app = app_of_task(tx, id)
        form = app.form(task_view(tx, app, id).line.form)
    posted = Posted.of(form, data)

    def work(tx: Tx) -> None:
        _decide(page, tx, app_of_task(tx, id), id, operation, data, posted)

    try:
        page.visit.once_of_form(data, work)
    except (Invalid, LimitExceeded) as refusal:
        return _again(page, id, posted, refusal)
    except Conflict as conflict:
        return _too_late(page, conflict)
    return page.go("/todo", page.word(SAID.get(operation, "Saved")))


def _decide(page: Page, tx: Tx, app: CompiledApp, id: int, operation: str, data: FormData, posted: Posted) -> None:
    comment = str(data.get("comment", "")).strip()
    if operation == "comment":
        instances.remark(tx, app, id, comment)
        return
    seen = task_view(tx, app, id)
    form = app.form(seen.line.form)
    editable = frozenset(field for field, mode in seen.modes.items() if mode in WRITABLE)
    values = posted.values(form, editable, page.clock(app)) if operation in ("approve", "resubmit") else {}
    instances.decide(
        tx,
        app,
        id,
        operation,
        _number(data, "version"),
        comment,
        values,
        str(data.get("target", "")) or None,
        _number(data, "record_version"),
    )


def _again(page: Page, id: int, posted: Posted, refusal: Refusal) -> Response:
    with page.visit.read() as tx:
        case = _case(page, tx, id, posted, refusal)
        return page.fragment("partials/case.html", status=422, case=case, now=_now(page, tx))


def _too_late(page: Page, conflict: Conflict) -> Response:
    """Somebody decided before, or the record has changed: say who and what, and how to go on."""
    problems = page.problems(conflict)
    return page.fragment(
        "partials/too_late.html", status=conflict.status, problems=problems, title=page.say(conflict.title)
    )


# --- what is drawn ---


def _case(page: Page, tx: Tx, id: int, posted: Posted | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    app = app_of_task(tx, id)
    seen = task_view(tx, app, id)
    is_open = bool(seen.operations)
    drawn = _form(page, tx, app, seen, posted, refusal)
    return {
        "line": seen.line,
        "version": seen.line.version,
        "record_version": seen.shown.version if seen.shown else "",
        "form": (drawn.inputs() if is_open else drawn.view()) if drawn is not None else None,
        "problems": drawn.problems() if drawn is not None else page.problems(refusal) if refusal else [],
        "operations": seen.operations,
        "targets": seen.targets,
        "related": [
            {"href": f"/apps/{app.name}/forms/{form}/{record}", "label": label, "title": page.say(app.form(form).title)}
            for form, record, label in seen.related
        ],
        "progress": seen.progress,
        "comment": posted.texts.get("comment", [""])[-1] if posted else "",
        "open": f"/apps/{app.name}/forms/{seen.line.form}/{seen.line.record}",
    }


def _form(
    page: Page, tx: Tx, app: CompiledApp, seen: TaskView, posted: Posted | None, refusal: Refusal | None
) -> RecordForm | None:
    if seen.shown is None:
        return None
    form = app.form(seen.line.form)
    readable = frozenset(seen.modes)
    editable = frozenset(field for field, mode in seen.modes.items() if mode in WRITABLE)
    drawing = replace(drawing_of(page, tx, app), files=stored_files(tx, form, seen.shown.values))
    return RecordForm(
        drawing,
        form,
        seen.shown.values,
        seen.shown.labels,
        readable,
        editable if seen.operations else frozenset(),
        seen.shown.version,
        posted,
        refusal,
        user=person_in_browser(page),
        linked=linked(tx, app, form, keys_in(form, seen.shown.values)) if seen.operations else {},
        opened=editable,
        results_as_text=True,
    )


def _now(page: Page, tx: Tx) -> Any:
    return tx.now.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))


def _number(data: FormData, name: str) -> int | None:
    text = str(data.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _(text: str) -> str:
    """Mark a word for the catalogue; it is translated where it is shown."""
    return text


SAID = {
    "approve": _("Approved"),
    "reject": _("Rejected"),
    "return": _("Returned"),
    "resubmit": _("Submitted again"),
    "comment": _("Commented"),
    "read": _("Marked as read"),
}
