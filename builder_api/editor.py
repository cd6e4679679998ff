"""The JSON editor of a draft: keep it, check it, publish it; nothing that was typed is ever lost."""

import difflib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from builder_api import drafts
from builder_api.drafts import Draft
from builder_api.plan_words import steps_said
from builder_api.preparing import Consent, Prepared, prepare
from builder_api.publish import ready_draft, switch, untrue_stories
from metadata.canonical import as_text
from metadata.problems import ROOT, Invalid, Problem, Refusal, Refused
from runtime import idempotency
from runtime.idempotency import Answer, Key, Work
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.incoming import number_in
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.strict_json import read_json

router = APIRouter(include_in_schema=False, prefix="/apps")

MOST_LINES_COMPARED = 20_000
MOST_LINES_SHOWN = 300
MARKS = {"+": "mine", "-": "theirs", "@": "place"}


@router.post("/{app}/build/draft")
def save_draft(page: SignedInOnly, data: CheckedForm, app: str) -> Response:
    """Keep the JSON as the draft, say what is wrong with it, or publish it when asked to."""
    require_builder(page)
    edit = _Edit(page, app, data, str(data.get("version", "")))
    try:
        document = read_json(edit.text.encode())
        if data.get("then") == "publish":
            return _publish(edit, document)
        edit.put(document)
    except Refusal as refusal:
        return _refused(edit, refusal)
    with page.visit.read() as tx:
        shown = json_view(page, tx, app, drafts.get(tx, app), page.word("The draft is saved"))
    return page.fragment("partials/json_editor.html", **shown)


@router.post("/{app}/build/discard")
def discard_draft(page: SignedInOnly, _data: CheckedForm, app: str) -> Response:
    """Forget the draft; what is live stays."""
    require_builder(page)
    page.visit.run(lambda tx: drafts.discard(tx, app))
    return page.go(f"/apps/{app}/build?tab=json", page.word("The draft is gone"))


def json_view(page: Page, tx: Tx, app: str, draft: Draft, said: str = "") -> dict[str, Any]:
    """What the editor shows of a draft: its text, what is wrong with it, and what publishing it would do."""
    prepared = prepare(page.services, tx.connection, app, draft.document, draft)
    is_sound = not prepared.checked.problems
    return {
        **_frame(app),
        "document": as_text(draft.document) if isinstance(draft.document, dict) else "",
        "version": draft.version,
        "problems": [problem_said(page, each) for each in prepared.checked.problems],
        "warnings": [problem_said(page, each) for each in prepared.checked.warnings],
        "plan": plan_said(page, prepared) if draft.version and is_sound else None,
        "needs_consent": bool(prepared.plan.losses) and is_sound,
        "needs_maintenance": prepared.needs_maintenance and is_sound,
        "said": said,
        "is_draft": draft.version > 0,
    }


def require_builder(page: Page) -> None:
    if "app_admin" not in page.actor.rights:
        raise Refused()


def _frame(app: str) -> dict[str, Any]:
    """What every drawing of the editor has; each may publish once, however often its button is pressed."""
    key = secrets.token_urlsafe(16)
    return {"app": app, "key": key, "agreed": Consent(), "theirs": None, "plan": None, "warnings": []}


@dataclass
class _Edit:
    """What somebody sent from the editor; `version` is that of the draft he has seen, or has just made."""

    page: Page
    app: str
    data: Mapping[str, Any]
    version: str

    @property
    def text(self) -> str:
        return str(self.data.get("document", ""))

    @property
    def consent(self) -> Consent:
        return Consent(bool(self.data.get("accept_losses")), bool(self.data.get("maintenance")))

    def put(self, document: Any) -> Draft:
        draft = self.page.visit.run(lambda tx: drafts.put(tx, self.app, document, number_in(self.version)))
        self.version = str(draft.version)
        return draft

    def key(self) -> Key | None:
        said = f"{self.version}\n{self.consent}\n{self.text}"
        route, sent = f"POST /apps/{self.app}/build/draft", str(self.data.get("key", ""))
        key = idempotency.key_of(self.page.actor, sent or None, route, said.encode())
        return key and key.of_a_form()


def _publish(edit: _Edit, document: Any) -> Response:
    page = edit.page

    def ready() -> Work:
        draft = edit.put(document)
        prepared = ready_draft(page.services, edit.app, draft.version, edit.consent, untrue_stories)
        return lambda tx: Answer({"number": switch(tx, prepared).number})

    answer = page.visit.once_prepared_by(edit.key(), ready)
    said = page.word("Version %(number)s is live", number=answer.body["number"])
    return page.go(f"/apps/{edit.app}/build?tab=json", said)


def _refused(edit: _Edit, refusal: Refusal) -> Response:
    """Draw the editor again with everything that was typed, all that is wrong with it, and what others made of it."""
    page, codes = edit.page, {refusal.code, *(each.code for each in refusal.problems)}
    with page.visit.read() as tx:
        found = drafts.get(tx, edit.app)
        theirs = _theirs(page, tx, found, edit.text) if "version_conflict" in codes else None
    shown = {
        "document": edit.text,
        "version": found.version if theirs else edit.version,
        "problems": [problem_said(page, each) for each in refusal.problems] or [{"message": page.say(refusal.detail)}],
        "needs_consent": "losses_need_consent" in codes or edit.consent.losses,
        "needs_maintenance": "maintenance_needs_consent" in codes or edit.consent.maintenance,
        "agreed": edit.consent,
        "said": "",
        "is_draft": found.version > 0,
        "theirs": theirs,
    }
    status = 422 if isinstance(refusal, Invalid) else refusal.status
    return page.fragment("partials/json_editor.html", status=status, **{**_frame(edit.app), **shown})


def _theirs(page: Page, tx: Tx, found: Draft, mine: str) -> dict[str, Any]:
    """The draft as somebody else left it, and how the text in the editor differs from it, line by line."""
    person = tx.organisation.people.get(found.updated_by or 0)
    by = person.name if person is not None else page.word("Somebody")
    theirs = as_text(found.document) if isinstance(found.document, dict) else ""
    lines = list(_differences(theirs, mine))
    return {"by": by, "document": theirs, "lines": lines[:MOST_LINES_SHOWN], "more": len(lines) > MOST_LINES_SHOWN}


def _differences(theirs: str, mine: str) -> Iterator[dict[str, str]]:
    before, after = theirs.splitlines(), mine.splitlines()
    if len(before) + len(after) > MOST_LINES_COMPARED:
        return
    for line in list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:]:
        yield {"mark": MARKS.get(line[0], ""), "text": line[1:] if line[0] != "@" else "…"}


def plan_said(page: Page, prepared: Prepared) -> dict[str, Any]:
    work = prepared.work
    pause = page.word(
        "%(rows)s records will be rewritten; saving will pause for about %(seconds)s s.",
        rows=f"{work.rows:,}",
        seconds=work.seconds,
    )
    return {
        "steps": steps_said(prepared.app, prepared.plan, page.language),
        "losses": [page.say(loss.message) for loss in prepared.plan.losses],
        "pause": pause if work.rows or work.seconds else "",
    }


def problem_said(page: Page, problem: Problem) -> dict[str, str]:
    return {"message": page.say(problem.message), "hint": page.say(problem.hint), "path": str(problem.path or ROOT)}
