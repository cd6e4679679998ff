"""The audit trail as a page: who did what to what, for auditors."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response

from engines.json_values import id_in
from runtime.audit import trail
from runtime.audit.trail import Wanted
from runtime.transaction import Tx
from runtime.web.deps import Auditor
from runtime.web.pages.admin.audit_particulars import Teller
from runtime.web.pages.admin.audit_words import ACTIONS, ACTOR_KINDS, KINDS
from runtime.web.pages.page import Page, page_of

router = APIRouter(include_in_schema=False)


@router.get("/admin/audit")
def audit_log(visit: Auditor) -> Response:
    page, asked = page_of(visit), dict(visit.request.query_params)
    zone = ZoneInfo(visit.actor.time_zone)
    wanted = _wanted(asked, zone)

    def work(tx: Tx) -> dict[str, Any]:
        acts, before = trail.look(tx, wanted)
        people = sorted(tx.organisation.people.values(), key=lambda each: each.name)
        return {"acts": [_line(page, tx, zone, each) for each in acts], "before": before, "people": people}

    context = visit.run(work)
    older = {**asked, "before": context["before"]} if context["before"] else None
    actions = sorted(((name, page.say(title)) for name, title in ACTIONS.items()), key=lambda each: each[1])
    with visit.read() as tx:
        context |= {"asked": asked, "older": older, "actions": actions, "islands": ("date-box",)}
        return page.show(tx, "pages/admin/audit.html", **context)


def _wanted(asked: dict[str, str], zone: ZoneInfo) -> Wanted:
    """What the form asks for; days are those of the reader, and what makes no sense narrows nothing down."""
    first, last = _day(asked.get("since", "")), _day(asked.get("until", ""))
    return Wanted(
        action=asked.get("action") if asked.get("action") in ACTIONS else None,
        actor=id_in(asked.get("actor", "")),
        result="failed" if asked.get("failed") else None,
        since=datetime.combine(first, time(), zone) if first else None,
        until=datetime.combine(last + timedelta(days=1), time(), zone) if last else None,
        before=id_in(asked.get("before", "")),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9000 else None


def _line(page: Page, tx: Tx, zone: ZoneInfo, act: dict[str, Any]) -> dict[str, Any]:
    """One act as the page draws it: who did what, to what, and the particulars in words."""
    teller, kind = Teller(page, tx, zone, act["app"]), act["object"]["kind"]
    about = teller.about(kind, act["object"]["id"])
    comes_in = act["actor"] is None and kind == "member" and act["result"] == "ok" and act["actor_kind"] == "public"
    return {
        **act,
        "at": act["at"].astimezone(zone),
        "title": page.say(ACTIONS.get(act["action"], act["action"])),
        "who": page.say(ACTOR_KINDS.get(act["actor_kind"], act["actor_kind"])),
        "kind": page.say(KINDS.get(kind, kind or "")),
        "about": about,
        "person": about if comes_in else (act["actor"] or {}).get("name"),
        "app_title": teller.about("app", act["app"]),
        "particulars": teller.lines(act["detail"]),
        "failed": act["result"] != "ok",
    }
