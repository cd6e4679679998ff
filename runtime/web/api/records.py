"""JSON for records: list, create, read, change, delete, restore, history, and acts on many at once."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engines.compiled import CompiledApp
from engines.json_values import id_in
from metadata.problems import Invalid, NotFound, Path, Problem
from runtime import audit, reading, records
from runtime.db.engine import LIST_SECONDS
from runtime.idempotency import Answer
from runtime.reading import ListQuery
from runtime.reading.refusals import no_record
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.bulk import bulk
from runtime.web.api.if_match import version_in, version_of
from runtime.web.api.record_json import entry_json, page_json, record_json
from runtime.web.deps import JsonBody, SignedIn
from runtime.web.incoming import id_or, known_keys, moment_in, values_of
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/apps/{app}/forms/{form}/records", tags=["records"])

NUMBER = 2**31 - 1  # what a page or a size may be at all; how large is told by the list itself


class ListParameters(BaseModel):
    """What a list may be asked; anything else is an error."""

    model_config = ConfigDict(extra="forbid")

    filter: str = Field(default="", max_length=2_000)
    sort: str = Field(default="", max_length=500)
    fields: str | None = Field(default=None, max_length=4_000)
    expand: str = Field(default="", max_length=1_000)
    search: str = Field(default="", max_length=1_000)
    page: int = Field(default=1, ge=-NUMBER, le=NUMBER)
    size: int = Field(default=reading.PAGE_SIZE, ge=-NUMBER, le=NUMBER)
    cursor: str = Field(default="", max_length=2_000)
    count: Literal["capped", "exact", "none"] = "capped"

    def query(self, deleted: bool = False, as_of: datetime | None = None) -> ListQuery:
        fields = None if self.fields is None else _split(self.fields)
        return ListQuery(
            self.filter, self.sort, fields, _split(self.expand), self.search, self.page, self.size, self.cursor,
            self.count, deleted, as_of,
        )  # fmt: skip


class PastParameters(ListParameters):
    """What a list may be asked that can also be read as it was at a moment."""

    as_of: str | None = Field(default=None, max_length=40)


class OneParameters(BaseModel):
    """What one record may be asked."""

    model_config = ConfigDict(extra="forbid")

    fields: str | None = Field(default=None, max_length=4_000)
    expand: str = Field(default="", max_length=1_000)
    as_of: str | None = Field(default=None, max_length=40)


@router.get("")
def list_records(app: str, form: str, visit: SignedIn, asked: Annotated[PastParameters, Query()]) -> Response:
    """A page of the records that I may see: filtered by an expression, searched, sorted; as they were, if asked."""
    return _page(visit, app, form, asked.query(as_of=moment_in(asked.as_of)))


@router.get("/trash")
def list_trash(app: str, form: str, visit: SignedIn, asked: Annotated[ListParameters, Query()]) -> Response:
    """A page of the deleted records that I may restore."""
    return _page(visit, app, form, asked.query(deleted=True))


@router.post("", status_code=201)
def create_record(app: str, form: str, visit: SignedIn, body: JsonBody) -> Response:
    """Create a record. With an Idempotency-Key a repeat of the request gets the first answer."""
    asked = known_keys(body, ("values",))
    values = values_of(asked)

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        saved = records.save(tx, compiled, form, None, values)
        return _answer(tx, compiled, form, saved.id, 201)

    return visit.once(work)


@router.post("/bulk")
def change_many(app: str, form: str, visit: SignedIn, body: JsonBody) -> Response:
    """Change or delete many records: those of a list of ids, or all that meet a filter.

    Without `expected_count` a filter only answers how many it meets; with it the act is done if that is still so.
    """
    asked = known_keys(body, ("action", "ids", "filter", "values", "expected_count"))
    return visit.once(lambda tx: bulk(tx, tx.services.apps.live(tx, app), form, asked))


@router.get("/{id}")
def get_record(app: str, form: str, id: str, visit: SignedIn, asked: Annotated[OneParameters, Query()]) -> Response:
    """One record, with its version as ETag; as it was, if asked."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        fields = None if asked.fields is None else _split(asked.fields)
        links, then = _split(asked.expand), moment_in(asked.as_of)
        shown = reading.get(tx, compiled, form, id_or(id, no_record()), fields=fields, expand=links, as_of=then)
        found = record_json(compiled, compiled.form(form), shown)
    tag = {"ETag": shown.etag} if then is None else {}  # what was cannot be changed
    return JsonResponse(found, headers={**tag, "Cache-Control": "no-store"})


@router.patch("/{id}")
def change_record(app: str, form: str, id: str, request: Request, visit: SignedIn, body: JsonBody) -> Response:
    """Change some fields of a record; say which version they were changed in (If-Match, or `version`)."""
    asked = known_keys(body, ("values", "version"))
    values, number = values_of(asked), id_or(id, no_record())
    version, check = version_of(visit, request, asked, number)

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        if not check:
            _note_overwriting(tx, compiled, form, number)
        records.save(tx, compiled, form, number, values, version, check_version=check)
        return _answer(tx, compiled, form, number)

    return visit.once(work)


@router.delete("/{id}", status_code=204)
def delete_record(app: str, form: str, id: str, request: Request, visit: SignedIn) -> Response:
    """Put a record into the trash."""
    number = id_or(id, no_record())
    version, check = version_of(visit, request, {}, number)

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        records.delete(tx, compiled, form, number, version, check_version=check)
        return Answer(status=204)

    return visit.once(work)


@router.post("/{id}/restore")
def restore_record(app: str, form: str, id: str, visit: SignedIn, body: JsonBody) -> Response:
    """Take a record out of the trash, with what was deleted along with it."""
    asked = known_keys(body, ("version",))
    number, version = id_or(id, no_record()), version_in(asked)

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        records.restore(tx, compiled, form, number, version)
        return _answer(tx, compiled, form, number)

    return visit.once(work)


@router.post("/{id}/assign")
def assign_record(app: str, form: str, id: str, request: Request, visit: SignedIn, body: JsonBody) -> Response:
    """Hand a record to another member; its department follows. A right of its own."""
    asked = known_keys(body, ("owner", "version"))
    number = id_or(id, no_record())
    version, check = version_of(visit, request, asked, number)

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        records.assign(tx, compiled, form, number, _member(tx, asked.get("owner")), version, check_version=check)
        return Answer({"id": id, "owner": str(asked["owner"])})

    return visit.once(work)


@router.get("/{id}/history")
def record_history(app: str, form: str, id: str, visit: SignedIn) -> Response:
    """What was changed in a record, by whom and when, as far as I may read it today."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        entries = records.history_of(tx, compiled, form, id_or(id, no_record()))
        items = [entry_json(compiled, compiled.form(form), each, tx.organisation.people) for each in entries]
    return JsonResponse({"items": items}, headers={"Cache-Control": "no-store"})


# --- answering ---


def _page(visit: Visit, app: str, form: str, query: ListQuery) -> Response:
    with visit.read(LIST_SECONDS) as tx:
        compiled = tx.services.apps.live(tx, app)
        page = reading.list_records(tx, compiled, form, query)
        found = page_json(compiled, compiled.form(form), page)
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


def _answer(tx: Tx, app: CompiledApp, form: str, id: int, status: int = 200) -> Answer:
    """The record as the actor may see it now; one that he may no longer see is only named."""
    compiled = app.form(form)
    try:
        shown = reading.get(tx, app, form, id)
    except NotFound:
        return Answer({"id": str(id)}, status)
    place = f"/api/v1/apps/{app.name}/forms/{compiled.name}/records/{id}"
    headers = {"ETag": shown.etag} | ({"Location": place} if status == 201 else {})
    return Answer(record_json(app, compiled, shown), status, headers)


# --- what came in ---


def _split(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _note_overwriting(tx: Tx, app: CompiledApp, form: str, id: int) -> None:
    audit.note(tx, "overwritten", kind="record", object=id, app=app.name, detail={"form": form})


def _member(tx: Tx, given: Any) -> int:
    known = tx.organisation.people
    person = known.get(id_in(given) or 0) if isinstance(given, str) else None
    if person is None or not person.active:
        message = {"en": "There is no such active member", "zh": "不存在该在职成员"}
        raise Invalid(Problem(Path(("owner",)), "unknown_member", message))
    return person.id
