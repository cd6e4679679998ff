"""The buttons of the builder's pages: an index for a slow list, an earlier version made live again."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import Response

from builder_api import versions
from builder_api.editor import plan_said, problem_said, require_builder
from builder_api.index_offers import put_index
from builder_api.plan_words import changes_said
from builder_api.preparing import Consent, Prepared, prepare
from builder_api.publish import switch, untrue_stories
from metadata.problems import Invalid, Refusal
from runtime.idempotency import Answer, Work
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.pages.page import Page, SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/apps")

Number = Annotated[int, InPath(ge=1, le=2_000_000_000)]


@router.post("/{app}/build/index")
def take_index(page: SignedInOnly, data: CheckedForm, app: str) -> Response:
    """Ask for an index in the draft; publishing makes it."""
    require_builder(page)

    def work(tx: Tx) -> None:
        put_index(tx, app, str(data.get("form", "")), str(data.get("field", "")))

    page.visit.once_of_form(data, work)
    return page.go(f"/apps/{app}/build?tab=json", page.word("The index is in the draft; publishing makes it."))


@router.get("/{app}/build/versions/{number}")
def version(page: SignedInOnly, app: str, number: Number) -> Response:
    """What going back to a version would change, before anybody says yes."""
    require_builder(page)
    return _shown(page, app, number)


@router.post("/{app}/build/versions/{number}")
def go_back(page: SignedInOnly, data: CheckedForm, app: str, number: Number) -> Response:
    """Make an earlier version live again, as a new version; its stories are told first."""
    require_builder(page)
    consent = Consent(bool(data.get("accept_losses")), bool(data.get("maintenance")))

    def ready() -> Work:
        prepared = versions.ready_version(page.services, app, number, None, consent, untrue_stories)
        return lambda tx: Answer({"number": switch(tx, prepared).number})

    key = page.visit.form_key(data)
    key = key.of_its_content() if key is not None else None
    try:
        answer = page.visit.once_prepared_by(key, ready)
    except Refusal as refusal:
        return _shown(page, app, number, refusal)
    said = page.word("Version %(number)s is live", number=answer.body["number"])
    return page.go(f"/apps/{app}/build?tab=versions", said)


def _shown(page: Page, app: str, number: int, refusal: Refusal | None = None) -> Response:
    with page.visit.read() as tx:
        wanted = versions.document(tx.connection, app, number)
        prepared = prepare(page.services, tx.connection, app, wanted, None)
        live = page.services.apps.live(tx, app)
        now = page.services.apps.language.canonical(live.definition)
        status = 200 if refusal is None else 422 if isinstance(refusal, Invalid) else refusal.status
        return page.show(
            tx, "pages/design/version.html", status, app=app, title=page.say(live.title), number=number,
            changes=changes_said(now, wanted, page.language), **_impact(page, prepared, refusal),
        )  # fmt: skip


def _impact(page: Page, prepared: Prepared, refusal: Refusal | None) -> dict[str, Any]:
    """What stands in the way, what would go out of sight, and how long nobody could save."""
    problems = list(refusal.problems if refusal is not None else prepared.checked.problems)
    is_sound = not prepared.checked.problems
    said = [problem_said(page, each) for each in problems]
    if refusal is not None and not said:
        said = [{"message": page.say(refusal.detail), "hint": "", "path": ""}]
    return {
        "problems": said,
        "plan": plan_said(page, prepared) if is_sound else None,
        "needs_consent": bool(prepared.plan.losses) and is_sound,
        "needs_maintenance": prepared.needs_maintenance and is_sound,
        "same": is_sound and prepared.changes_nothing(page.services.apps.language),
    }
