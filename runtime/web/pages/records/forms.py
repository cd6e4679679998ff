"""The pages that create and edit a record, and what they answer when a save is refused, stale or locked."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData

from engines.access import grants_of, may, view
from engines.compiled import CompiledApp, CompiledForm
from engines.json_values import id_in
from metadata.problems import Conflict, Invalid, LimitExceeded, Refusal, Refused
from runtime import files, reading, records
from runtime.flows import tasks
from runtime.flows.task_access import task_grants
from runtime.idempotency import Answer, KeyReused
from runtime.reading.refusals import no_form
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.incoming import number_in
from runtime.web.pages.fields.posted import Posted
from runtime.web.pages.fields.views import Reference
from runtime.web.pages.lists.pages import drawing_of
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.pages.records.conflicts import conflict_view
from runtime.web.pages.records.linked_values import concerns, keys_in, linked
from runtime.web.pages.records.merging import merged
from runtime.web.pages.records.prefilled import has_default, prefilled, prefilled_rows
from runtime.web.pages.records.rights import rights_of, writable
from runtime.web.pages.records.said_back import labels_of_links, said_back
from runtime.web.pages.records.saved_before import ANOTHER, ask_which, on_top_of
from runtime.web.pages.records.views import RecordForm

router = APIRouter(include_in_schema=False, prefix="/apps/{app}/forms/{form}")


@router.get("/new")
def new_record(page: SignedInOnly, app: str, form: str) -> Response:
    with page.visit.read() as tx:
        compiled, found = _open(page, tx, app, form)
        if not may(compiled, page.actor, "create", found.id):
            raise Refused()
        drawn = blank_form(page, tx, compiled, found)
        return _page(page, tx, drawn, f"/apps/{app}/forms/{form}/new")


@router.post("/new")
def create_record(page: SignedInOnly, data: CheckedForm, app: str, form: str) -> Response:
    return _save(page, data, app, form, None)


@router.get("/{id:int}/edit")
def edit_record(page: SignedInOnly, app: str, form: str, id: int) -> Response:
    with page.visit.read() as tx:
        compiled, found = _open(page, tx, app, form)
        drawn = filled_form(page, tx, compiled, found, id)
        return _page(page, tx, drawn, f"/apps/{app}/forms/{form}/{id}/edit", id)


@router.post("/{id:int}/edit")
def update_record(page: SignedInOnly, data: CheckedForm, app: str, form: str, id: int) -> Response:
    return _save(page, data, app, form, id)


@router.get("/linked")
def linked_values(page: SignedInOnly, app: str, form: str) -> Response:
    """What the form's expressions read in records that were just chosen."""
    with page.visit.read() as tx:
        compiled, found = _open(page, tx, app, form)
        if not concerns(tx, compiled, found):
            raise no_form()
        keys = {(target, key) for text in page.request.query_params.getlist("of") for target, key in _key(text)}
        return JSONResponse(linked(tx, compiled, found, keys))


@router.post("/{id:int}/delete")
def delete_record(page: SignedInOnly, data: CheckedForm, app: str, form: str, id: int) -> Response:
    def work(tx: Tx) -> None:
        compiled = page.services.apps.live(tx, app)
        records.delete(tx, compiled, form, id, version=_version(data))

    page.visit.once_of_form(data, work)
    return page.go(f"/apps/{app}/forms/{form}", page.word("Moved to the trash"))


# --- drawing ---


def blank_form(page: Page, tx: Tx, app: CompiledApp, form: CompiledForm) -> RecordForm:
    """A new record, with what the address gives in advance (?customer=123) and the plain defaults."""
    readable = view(app, page.actor, form.id).fields
    editable = writable(form, grants_of(app, page.actor, "create", form.id), readable)
    values = prefilled(tx, app, form) | _given(page, tx, app, form)
    [labels] = labels_of_links(tx, app, form, [values])
    rows = prefilled_rows(tx, app, form)
    drawing = drawing_of(page, tx, app)
    around = linked(tx, app, form, keys_in(form, values))
    return RecordForm(
        drawing, form, values, labels, readable, editable, user=person_in_browser(page), linked=around, new_rows=rows
    )


def filled_form(page: Page, tx: Tx, app: CompiledApp, form: CompiledForm, id: int) -> RecordForm:
    """A record as its reader may see and change it."""
    shown = reading.get(tx, app, form.id, id)
    rights = rights_of(tx, app, form, id)
    drawing = replace(drawing_of(page, tx, app), files=stored_files(tx, form, shown.values))
    return RecordForm(
        drawing,
        form,
        shown.values,
        shown.labels,
        rights.readable,
        rights.editable,
        shown.version,
        user=person_in_browser(page),
        updating=shown.updating,
        linked=linked(tx, app, form, keys_in(form, shown.values)),
        new_rows=prefilled_rows(tx, app, form),
        opened=rights.opened,
        lock=rights.lock,
    )


def stored_files(tx: Tx, form: CompiledForm, values: Any) -> dict[str, Reference]:
    """The files that a record names."""
    named = [one for each in form.fields.values() if each.kind.holds_files for one in values.get(each.id) or ()]
    found = files.describe(tx, named) if named else {}
    return {id: Reference(id, each.name, f"/api/v1/files/{id}", each.size) for id, each in found.items()}


def _page(page: Page, tx: Tx, drawn: RecordForm, action: str, id: int | None = None) -> Response:
    title = page.say(drawn.form.title)
    path = f"/apps/{drawn.drawing.app.name}/forms/{drawn.form.name}"
    new = page.word("New %(thing)s", thing=title if page.language == "zh" else title[:1].lower() + title[1:])
    app, form = drawn.drawing.app, drawn.form.id
    label = reading.labels_of(tx, app, form, [id], also=task_grants(tx, app, page.actor)).get(id, "") if id else ""
    return page.show(
        tx,
        "pages/app/record_form.html",
        form=drawn.inputs(),
        title=label or new,
        action=action,
        back=[(path, title)],
        cancel=f"{path}/{id}" if id else path,
        lock=page.say(drawn.lock.said) if drawn.lock else "",
        changeable=drawn.is_changeable,
        task=tasks.open_on(tx, app, form, id) if id else None,
        islands=("form", "subform", "combobox", "date-box"),
    )


# --- saving ---


def _save(page: Page, data: FormData, app: str, form: str, id: int | None) -> Response:
    try:
        saved = _written(page, data, app, form, id)
    except KeyReused as reused:
        first = reused.first.body if reused.first is not None else {}
        if id is None:
            return ask_which(page, app, form, first)
        return _save(page, on_top_of(page, data, first), app, form, id)
    except Conflict as conflict:
        if conflict.status != 412 or id is None:
            raise
        with page.visit.read() as tx:
            compiled, found = _open(page, tx, app, form)
            theirs = filled_form(page, tx, compiled, found, id)
            if theirs.lock is not None and not theirs.is_changeable:
                raise theirs.lock.refusal() from None
            context = conflict_view(tx, theirs, id, Posted.of(found, data), _version(data), _choices(data))
            action = f"/apps/{app}/forms/{form}/{id}/edit"
            return page.fragment("partials/conflict.html", 412, conflict=context, action=action)
    except (Invalid, LimitExceeded) as refusal:
        return _said_back(page, data, app, form, id, refusal)
    word = page.word("Created") if id is None else page.word("Saved")
    return page.go(f"/apps/{app}/forms/{form}/{saved}", word)


def _written(page: Page, data: FormData, app: str, form: str, id: int | None) -> int:
    """Save once, however often the form is sent."""

    def work(tx: Tx) -> Answer:
        saved = _write(page, tx, data, app, form, id)
        return Answer({"id": str(saved.id), "version": saved.version})

    key = page.visit.form_key(data)
    if key is not None and data.get(ANOTHER):
        key = key.of_its_content()
    return int(page.visit.once_by(key, work).body["id"])


def _write(page: Page, tx: Tx, data: FormData, app: str, form: str, id: int | None) -> records.Saved:
    compiled, found = _open(page, tx, app, form)
    drawn = blank_form(page, tx, compiled, found) if id is None else filled_form(page, tx, compiled, found, id)
    posted = Posted.of(found, data)
    fields = frozenset(each.id for each in found.fields.values() if drawn.may_edit(each))
    values = posted.values(found, fields, drawn.drawing.zone)
    choices = _choices(data)
    if choices:
        values = merged(found, values, drawn.values, posted, lambda place: choices.get(place, ""))
    for name in [name for name, value in values.items() if _says_nothing(drawn, posted, name, value)]:
        del values[name]
    for name, uploads in posted.uploads.items():
        if (field := found.field(name)) is not None and field.id in fields and choices.get(name) != "theirs":
            stored = [files.store(tx, compiled.name, each.filename or "", each.file) for each in uploads]
            values[name] = [*values.get(name, ()), *(str(each.id) for each in stored)]
    version = _version(data, "merge_version") or _version(data)
    return records.save(tx, compiled, form, id, values, version=version)


def _says_nothing(drawn: RecordForm, posted: Posted, name: str, value: Any) -> bool:
    """Whether an empty box is no answer: in a new record a default fills it unless the person emptied it; in another
    it stands for what he may write but not read."""
    field = drawn.form.fields[drawn.form.field_ids[name]]
    if value not in (None, "", []):
        return False
    if drawn.version is None:
        return has_default(field) and name not in posted.emptied
    return field.id not in drawn.readable


def _said_back(page: Page, data: FormData, app: str, form: str, id: int | None, refusal: Refusal) -> Response:
    with page.visit.read() as tx:
        compiled, found = _open(page, tx, app, form)
        drawn = blank_form(page, tx, compiled, found) if id is None else filled_form(page, tx, compiled, found, id)
        again = said_back(tx, compiled, drawn, Posted.of(found, data))
        again = replace(again, refusal=refusal, version=_version(data))
        return page.fragment(
            "partials/form_body.html", refusal.status, {"HX-Retarget": "#form-body"}, form=again.inputs()
        )


# --- small things ---


def _open(page: Page, tx: Tx, app: str, form: str) -> tuple[CompiledApp, CompiledForm]:
    compiled: CompiledApp = page.services.apps.live(tx, app)
    return compiled, compiled.form(form)


def _key(text: str) -> list[tuple[str, int]]:
    target, _, id = text.partition("/")
    number = id_in(id)
    return [(target, number)] if number is not None else []


def _choices(data: FormData) -> dict[str, str]:
    """Which side was chosen for what, after two people saved at once."""
    kept = [(name.removeprefix("keep."), value) for name, value in data.multi_items() if name.startswith("keep.")]
    return {name: str(value) for name, value in kept if value in ("mine", "theirs")}


def _version(data: FormData, name: str = "version") -> int | None:
    return number_in(data.get(name, ""))


def person_in_browser(page: Page) -> dict[str, Any]:
    """The person as expressions in the browser read him."""
    actor = page.actor
    return {
        "id": str(actor.member),
        "name": actor.name,
        "email": actor.email,
        "department": str(actor.department) if actor.department is not None else None,
        "departments": [str(each) for each in sorted(actor.departments)],
        "manager": str(actor.manager) if actor.manager is not None else None,
    }


def _given(page: Page, tx: Tx, app: CompiledApp, form: CompiledForm) -> dict[str, Any]:
    """Links that the address fills in: a new contract of this customer."""
    found: dict[str, Any] = {}
    for name, text in page.request.query_params.items():
        field = form.field(name)
        id = id_in(text)
        if field is None or field.type.name != "link" or id is None:
            continue
        if reading.readable_ids(tx, app, field.type.form or "", [id]):
            found[field.id] = id
    return found
