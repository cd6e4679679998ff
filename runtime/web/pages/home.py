"""The first page: what waits for me, the apps with their forms, what I changed last."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import func, select

from engines.access import may
from engines.compiled import CompiledApp
from runtime import reading
from runtime.db import tables
from runtime.flows import tasks
from runtime.transaction import Tx
from runtime.web.pages.navigation import form_icon, live_apps
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.pages.todo.listing import line_view
from runtime.web.pages.todo.task_facts import TaskFacts, facts_by_line

router = APIRouter(include_in_schema=False)

TONES = ("blue", "purple", "teal", "yellow", "green", "orange", "slate", "red")
MOST_TASKS, MOST_RECENT = 6, 6


@router.get("/")
def home(page: SignedInOnly) -> Response:
    with page.visit.read() as tx:
        apps = live_apps(tx)
        now = tx.now.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))
        shown = [each for each in (_app(page, tx, app) for app in apps) if each["forms"]]
        return page.show(
            tx,
            "pages/home.html",
            greeting=_greeting(page, now),
            today=_day(page, now),
            apps=shown,
            known_apps=bool(apps),
            may={"roles": "user_admin" in page.actor.rights, "build": _can_build(page)},
            tasks=_tasks(page, tx, now),
            task_count=tasks.count_todo(tx),
            recent=_recent(page, tx, apps, now),
            now=now,
        )


def _greeting(page: Page, now: datetime) -> str:
    if now.hour < 12:
        return page.word("Good morning, %(name)s", name=page.actor.name)
    if now.hour < 18:
        return page.word("Good afternoon, %(name)s", name=page.actor.name)
    return page.word("Good evening, %(name)s", name=page.actor.name)


def _day(page: Page, now: datetime) -> str:
    days = {
        "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        "zh": ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
    }
    return f"{now:%Y-%m-%d} {days[page.language][now.weekday()]}"


def _app(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    forms = [each for each in app.forms.values() if each.parent is None and may(app, page.actor, "read", each.id)]
    return {
        "name": app.name,
        "title": page.say(app.title),
        "build": f"/apps/{app.name}/build" if _can_build(page) else "",
        "forms": [
            {
                "href": f"/apps/{app.name}/forms/{each.name}",
                "title": page.say(each.title),
                "icon": form_icon(app, each.id),
                "tone": TONES[index % len(TONES)],
            }
            for index, each in enumerate(forms)
        ],
    }


def _can_build(page: Page) -> bool:
    addresses: frozenset[str] = getattr(page.request.app.state, "addresses", frozenset())
    return "app_admin" in page.actor.rights and "/apps/{app}/build" in addresses


def _tasks(page: Page, tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """What presses most, as the to-do centre shows it."""
    lines = tasks.tasks(tx, "todo", size=MOST_TASKS, order="urgent").items
    facts = facts_by_line(page, tx, lines)
    return [line_view(page, each, facts.get(each.id, TaskFacts()), now, f"/todo/{each.id}") for each in lines]


def _recent(page: Page, tx: Tx, apps: list[CompiledApp], now: datetime) -> list[dict[str, Any]]:
    """The records that I wrote last, as far as I may still see them."""
    history, cause = tables.record_version, tables.cause
    mine = (cause.c.actor == page.actor.member) & history.c.op.in_(("create", "update"))
    last = (
        select(history.c.app, history.c.form, history.c.record, func.max(history.c.at).label("at"))
        .join(cause, cause.c.id == history.c.cause)
        .where(mine)
        .group_by(history.c.app, history.c.form, history.c.record)
        .order_by(func.max(history.c.at).desc())
        .limit(MOST_RECENT * 2)
    )
    known = {app.name: app for app in apps}
    found = []
    for row in tx.connection.execute(last).all():
        app = known.get(row.app)
        form = app.forms.get(row.form) if app else None
        if app is None or form is None or form.parent is not None or not may(app, page.actor, "read", form.id):
            continue
        label = reading.labels_of(tx, app, form.id, [row.record]).get(row.record)
        if label is None:
            continue
        found.append(
            {
                "href": f"/apps/{app.name}/forms/{form.name}/{row.record}",
                "icon": form_icon(app, form.id),
                "title": label,
                "note": page.say(form.title),
                "at": _moment(row.at, now),
            }
        )
    return found[:MOST_RECENT]


def _moment(value: Any, now: datetime) -> datetime:
    """An aggregate of a moment comes back as the driver keeps it."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(now.tzinfo)
