"""The inbox: the messages that rules and flows sent me."""

from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response

from engines.json_values import id_in
from metadata.problems import NotFound
from runtime import notifications, reading
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.pages.page import Page, SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/inbox")

SHOWN = 50


@router.get("")
def inbox(page: SignedInOnly, unread: str = "", before: str = "") -> Response:
    with page.visit.read() as tx:
        turned = id_in(before)
        found = notifications.inbox(tx, unread == "1", turned, SHOWN + 1)
        now = tx.now.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))
        called = _called(page, tx, found[:SHOWN])
        messages = [_message(each, called.get(each["id"], ""), now) for each in found[:SHOWN]]
        more = f"/inbox?unread={unread}&before={found[SHOWN - 1]['id']}" if len(found) > SHOWN else ""
        return page.show(tx, "pages/app/inbox.html", messages=messages, unread_only=unread == "1", more=more, now=now)


@router.post("/read")
def read_all(page: SignedInOnly, _data: CheckedForm) -> Response:
    page.visit.run(lambda tx: notifications.mark_read(tx))
    return page.go("/inbox")


@router.get("/{id:int}")
def open_message(page: SignedInOnly, id: int) -> Response:
    """Mark a message as read and go to what it is about."""

    def work(tx: Tx) -> str:
        if not notifications.is_mine(tx, id):
            raise NotFound()
        notifications.mark_read(tx, id)
        found = next((each for each in notifications.inbox(tx, before=id + 1, size=1) if each["id"] == id), None)
        return _address(page, tx, found) if found else "/inbox"

    return page.go(page.visit.run(work))


def _called(page: Page, tx: Tx, rows: list[dict[str, Any]]) -> dict[int, str]:
    """How the record of each message is called, as far as the reader still sees it."""
    about: dict[tuple[str, str], dict[int, int]] = {}
    for row in rows:
        if row["app"] and row["form"] and row["record"]:
            about.setdefault((row["app"], row["form"]), {})[row["id"]] = row["record"]
    called: dict[int, str] = {}
    for (name, form), records in about.items():
        with suppress(NotFound):
            app = page.services.apps.live(tx, name)
            labels = reading.labels_of(tx, app, app.form(form).id, set(records.values()))
            called |= {id: labels[record] for id, record in records.items() if labels.get(record)}
    return called


def _message(row: dict[str, Any], called: str, now: Any) -> dict[str, Any]:
    """A message as it is drawn; the record is named unless the message names it itself."""
    return {
        "href": f"/inbox/{row['id']}",
        "about": "" if called in row["title"] else called,
        "title": row["title"],
        "body": row["body"],
        "at": row["at"].astimezone(now.tzinfo),
        "unread": row["read_at"] is None,
    }


def _address(page: Page, tx: Tx, row: dict[str, Any]) -> str:
    """Where a message leads: its record, or back to the inbox."""
    if row["app"] is None or row["form"] is None or row["record"] is None:
        return "/inbox"
    try:
        form = page.services.apps.live(tx, row["app"]).form(row["form"])
    except NotFound:
        return "/inbox"
    return f"/apps/{row['app']}/forms/{form.name}/{row['record']}"
