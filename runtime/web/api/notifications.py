"""JSON for the inbox: list, count, and mark as read; everybody has only his own."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engines.json_values import moment_text
from metadata.problems import ROOT, NotFound, Problem
from runtime import notifications
from runtime.idempotency import Answer
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.deps import SignedIn
from runtime.web.incoming import id_or

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])

NOT_KEPT = {"Cache-Control": "no-store"}


class InboxParameters(BaseModel):
    """Which messages: all or the unread ones, before a certain one, and how many."""

    model_config = ConfigDict(extra="forbid")

    unread: bool = False
    before: str | None = Field(default=None, pattern=r"^[0-9]{1,18}$")
    size: int = Field(default=notifications.PAGE_SIZE, ge=1, le=200)


@router.get("")
def list_notifications(visit: SignedIn, asked: Annotated[InboxParameters, Query()]) -> Response:
    """My messages, the latest first."""
    with visit.read() as tx:
        before = int(asked.before) if asked.before else None
        rows = notifications.inbox(tx, asked.unread, before, asked.size)
        found = {"items": [_message(tx, row) for row in rows], "unread": notifications.unread(tx)}
    return JsonResponse(found, headers=NOT_KEPT)


@router.get("/count")
def count_notifications(visit: SignedIn) -> Response:
    """How many of my messages are unread."""
    with visit.read() as tx:
        found = {"unread": notifications.unread(tx)}
    return JsonResponse(found, headers=NOT_KEPT)


@router.post("/read")
def mark_all_read(visit: SignedIn) -> Response:
    """Mark all my messages as read."""
    return visit.once(lambda tx: Answer({"read": notifications.mark_read(tx)}))


@router.post("/{id}/read")
def mark_read(id: str, visit: SignedIn) -> Response:
    """Mark one of my messages as read; once more changes nothing."""
    number = id_or(id, _no_message())

    def work(tx: Tx) -> Answer:
        if not notifications.is_mine(tx, number):
            raise _no_message()
        return Answer({"read": notifications.mark_read(tx, number)})

    return visit.once(work)


def _message(tx: Tx, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "title": row["title"],
        "body": row["body"],
        "app": row["app"],
        "form": _form_name(tx, row["app"], row["form"]),
        "record": str(row["record"]) if row["record"] is not None else None,
        "at": moment_text(row["at"]),
        "read_at": moment_text(row["read_at"]) if row["read_at"] else None,
    }


def _form_name(tx: Tx, app: str | None, form: str | None) -> str | None:
    """Forms go by their names outside; one that is gone has none."""
    if app is None or form is None:
        return None
    live = tx.services.apps.find(tx.connection, app)
    return live.forms[form].name if live is not None and form in live.forms else None


def _no_message() -> NotFound:
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such message", "zh": "消息不存在"}))
