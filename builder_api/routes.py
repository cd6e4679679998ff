"""HTTP for builders: drafts, check, publish, versions, rollback, impact, the catalogue and the schema."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import Field
from starlette.responses import Response

from builder_api import drafts, impact, versions
from builder_api.catalogue import catalogue
from builder_api.checking import check
from builder_api.drafts import Draft
from builder_api.preparing import Consent, Prepared, prepare, what_is_known
from builder_api.publish import Published, RunStories, nothing_to_publish, ready_draft, switch, untrue_stories
from metadata.text import say
from runtime.db.backfill import Report
from runtime.idempotency import Answer, Work
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Body
from runtime.web.deps import AppAdmin, SignedIn
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/builder", tags=["builder"])

App = Annotated[str, InPath(max_length=48)]
VersionNumber = Annotated[int, Field(ge=0, le=2_000_000_000)]


class DraftBody(Body):
    """A whole definition, and the version it was made from."""

    document: dict[str, Any]
    version: VersionNumber | None = None


class ChangesBody(Body):
    """Changes to places of the draft."""

    changes: list[dict[str, Any]] = Field(min_length=1, max_length=1000)
    version: VersionNumber | None = None


class CheckBody(Body):
    """A definition to check; without it, the draft."""

    document: dict[str, Any] | None = None


class ConsentBody(Body):
    """What is agreed to: that something goes out of sight, that saving pauses, that the stories are not told first."""

    accept_losses: bool = False
    maintenance: bool = False
    skip_stories: bool = False

    @property
    def consent(self) -> Consent:
        return Consent(self.accept_losses, self.maintenance)

    @property
    def run_stories(self) -> RunStories | None:
        return None if self.skip_stories else untrue_stories


class PublishBody(ConsentBody):
    """Which draft to publish."""

    version: VersionNumber | None = None


class RollbackBody(ConsentBody):
    """Which version is wanted again; with `part` only the thing with that id."""

    number: Annotated[int, Field(ge=1, le=2_000_000_000)]
    part: str | None = Field(default=None, max_length=30)


# --- what there is ---


@router.get("/schema.json")
def schema(visit: SignedIn) -> JsonResponse:
    """The JSON Schema of a definition, with the kinds of this installation."""
    return JsonResponse(visit.services.apps.language.schema())


@router.get("/catalogue")
def kinds(visit: SignedIn) -> JsonResponse:
    """Every kind of field, node, trigger, action and chart, and every function."""
    return JsonResponse(catalogue(visit.services.kinds, visit.language))


@router.get("/apps")
def apps(visit: AppAdmin) -> JsonResponse:
    """The live apps and those that are drafts only."""
    with visit.read() as tx:
        live = visit.services.apps.names(tx.connection)
        items = [{"app": name, "live": True, "title": visit.services.apps.live(tx, name).title} for name in live]
        items += [{"app": name, "live": False} for name in drafts.names(tx.connection) if name not in live]
    return JsonResponse({"items": items})


# --- drafts ---


@router.get("/apps/{app}/draft")
def get_draft(app: App, visit: AppAdmin) -> JsonResponse:
    """The draft; version 0 is what is live."""
    with visit.read() as tx:
        draft = drafts.get(tx, app)
    return JsonResponse(_draft(draft), headers=_etag(draft))


@router.put("/apps/{app}/draft")
def put_draft(app: App, body: DraftBody, visit: AppAdmin) -> JsonResponse:
    """Replace the draft; it may be unfinished."""
    version = _version(visit, body.version)
    document = _followed(visit, app, body.document)
    draft = visit.run(lambda tx: drafts.put(tx, app, document, version))
    return JsonResponse(_draft(draft), headers=_etag(draft))


@router.patch("/apps/{app}/draft")
def patch_draft(app: App, body: ChangesBody, visit: AppAdmin) -> JsonResponse:
    """Change places of the draft."""
    version = _version(visit, body.version)
    with visit.read() as tx:
        document = drafts.patched(drafts.get(tx, app).document, body.changes)
    followed = _followed(visit, app, document)
    draft = visit.run(lambda tx: drafts.put(tx, app, followed, version))
    return JsonResponse(_draft(draft), headers=_etag(draft))


@router.delete("/apps/{app}/draft")
def delete_draft(app: App, visit: AppAdmin) -> Response:
    """Forget the draft."""
    visit.run(lambda tx: drafts.discard(tx, app))
    return Response(status_code=204)


@router.post("/apps/{app}/check")
def check_draft(app: App, body: CheckBody, visit: AppAdmin) -> JsonResponse:
    """Every problem of the draft (or of the document sent), and what publishing it would do. Nothing is written."""
    with visit.read() as tx:
        document = body.document if body.document is not None else drafts.get(tx, app).document
        found = drafts.find(tx.connection, app) or Draft(app, 0, document)
        prepared = prepare(visit.services, tx.connection, app, document, found)
    return JsonResponse(_prepared(prepared, visit.language))


# --- publishing ---


@router.post("/apps/{app}/publish")
def publish_draft(app: App, body: PublishBody, visit: AppAdmin) -> Response:
    """Make the draft the live app."""
    return _published_once(
        visit, lambda: ready_draft(visit.services, app, body.version, body.consent, body.run_stories)
    )


@router.get("/apps/{app}/versions")
def list_versions(app: App, visit: AppAdmin) -> JsonResponse:
    """What was published when, by whom."""
    with visit.read() as tx:
        return JsonResponse({"items": versions.versions(tx.connection, app)})


@router.get("/apps/{app}/versions/{number}")
def get_version(app: App, number: int, visit: AppAdmin) -> JsonResponse:
    """The definition as it was, and what it changed."""
    with visit.read() as tx:
        document = versions.document(tx.connection, app, number)
        changed = versions.changes(tx.connection, app, number)
    return JsonResponse({"number": number, "document": document, "changes": changed})


@router.post("/apps/{app}/rollback")
def rollback(app: App, body: RollbackBody, visit: AppAdmin) -> Response:
    """Make an earlier version, or one thing of it, live again."""
    return _published_once(
        visit,
        lambda: versions.ready_version(visit.services, app, body.number, body.part, body.consent, body.run_stories),
    )


def _published_once(visit: Visit, ready: Callable[[], Prepared]) -> Response:
    def work() -> Work:
        prepared = ready()
        return lambda tx: Answer(_published(switch(tx, prepared)))

    return visit.once_prepared(work)


@router.get("/apps/{app}/impact")
def get_impact(app: App, visit: AppAdmin, id: Annotated[str, Query(max_length=30)]) -> JsonResponse:
    """Where a form, field, role, flow, ... is used, in the draft if it can be read, else in what is live."""
    with visit.read() as tx:
        _, known = what_is_known(visit.services, tx.connection, app)
        draft = drafts.get(tx, app)
        compiled = check(visit.services.apps.language, draft.document, known).app or known.live
        if compiled is None:
            raise nothing_to_publish(app)
        items = impact.used_by(compiled, visit.services.kinds, id, visit.language)
    return JsonResponse({"id": id, "items": items})


# --- as JSON ---


def _followed(visit: Visit, app: str, document: dict[str, Any]) -> dict[str, Any]:
    """The document in its canonical form, renames followed; as it was sent where it cannot be read yet."""
    with visit.read() as tx:
        _, known = what_is_known(visit.services, tx.connection, app)
    return check(visit.services.apps.language, document, known).document or document


def _version(visit: Visit, version: int | None) -> int | None:
    """The version from the body, else from If-Match."""
    given = visit.request.headers.get("if-match", "").strip('"')
    if version is not None or not given:
        return version
    last = given.rsplit(".", 1)[-1]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 10 else -1


def _draft(draft: Draft) -> dict[str, Any]:
    return {
        "app": draft.app,
        "version": draft.version,
        "document": draft.document,
        "updated_at": draft.updated_at,
        "updated_by": str(draft.updated_by) if draft.updated_by else None,
    }


def _etag(draft: Draft) -> dict[str, str]:
    return {"ETag": f'"{draft.app}.{draft.version}"'}


def _prepared(prepared: Prepared, language: str) -> dict[str, Any]:
    return {
        "ok": not prepared.checked.problems,
        "problems": [problem.as_json(language) for problem in prepared.checked.problems],
        "warnings": [warning.as_json(language) for warning in prepared.checked.warnings],
        "document": prepared.checked.document,
        "steps": [step.summary for step in prepared.plan.steps],
        "losses": [
            {"form": loss.form, "field": loss.field, "code": loss.code, "message": say(loss.message, language)}
            for loss in prepared.plan.losses
        ],
        "records_to_convert": prepared.work.rows,
        "seconds": prepared.work.seconds,
        "needs_maintenance": prepared.needs_maintenance,
    }


def _published(published: Published) -> dict[str, Any]:
    return {
        "app": published.app,
        "number": published.number,
        "changed": published.changed,
        "converted": [_report(report) for report in published.reports],
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "form": report.form,
        "field": report.field,
        "records": report.rows,
        "not_converted": report.failures,
        "not_converted_records": [str(record) for record in report.failed],
    }
