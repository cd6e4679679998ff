"""The menu: the forms and dashboards that somebody may open, his to-dos, and what an administrator needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from fastapi import Request
from sqlalchemy import func, select

from engines.access import may
from engines.compiled import CompiledApp
from metadata.text import say
from runtime.db import tables
from runtime.flows import tasks
from runtime.transaction import Tx
from runtime.web.static import STATIC
from runtime.web.wording import translations

FORM_ICON, DASHBOARD_ICON = "table", "chart-bar"


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    href: str
    icon: str
    title: str
    count: int = 0
    current: bool = False
    short: str = ""
    create: bool = False


@dataclass(frozen=True)
class Group:
    """Some lines under a heading."""

    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Menu:
    """The whole menu, the tabs of the phone, and how many notifications are unread."""

    groups: list[Group]
    tabs: list[Entry]
    unread: int = 0


def menu_of(tx: Tx, language: str, request: Request) -> Menu:
    """The menu as this person sees it on this page."""
    at = request.url.path
    word = translations(language).gettext
    has = _addresses(request)
    top = [_entry("/", "home", word("Home"), at)]
    if "/todo" in has:
        top.append(_entry("/todo", "inbox", word("To do"), at, tasks.count_todo(tx)))
    groups = [Group("", top)]
    for app in live_apps(tx):
        if entries := _entries(tx, app, language, at, has):
            groups.append(Group(say(app.title, language), entries))
    if administration := _administration(tx, word, at, has):
        groups.append(Group(word("Administration"), administration))
    me = _entry("/account", "user", word("Me"), at)
    forms = [entry for group in groups[1:] for entry in group.entries if "/forms/" in entry.href]
    return Menu(groups, [*top[:2], *forms[: 4 - len(top)], me], unread(tx))


def live_apps(tx: Tx) -> list[CompiledApp]:
    """The published apps in the order in which they came, compiled."""
    query = select(tables.app.c.name).where(tables.app.c.live.is_not(None)).order_by(tables.app.c.number)
    return [tx.services.apps.live(tx, name) for name in tx.connection.execute(query).scalars()]


def form_icon(app: CompiledApp, form: str) -> str:
    """The icon that the author chose for a form."""
    found = next((each for each in app.definition.forms if each.key == form), None)
    return found.icon if found and found.icon in _drawn_icons() else FORM_ICON


@cache
def _drawn_icons() -> frozenset[str]:
    """The icons of the sprite; an author may name one that is not among them."""
    return frozenset(re.findall(r'<symbol id="([a-z0-9-]+)"', (STATIC / "vendor" / "icons.svg").read_text()))


def unread(tx: Tx) -> int:
    """How many notifications this person has not opened."""
    mine = (tables.notification.c.member == tx.actor.member) & tables.notification.c.read_at.is_(None)
    return tx.connection.execute(select(func.count()).select_from(tables.notification).where(mine)).scalar() or 0


def _addresses(request: Request) -> frozenset[str]:
    """The addresses that this server answers, so that the menu offers no page that is not there."""
    state = request.app.state
    if not hasattr(state, "addresses"):
        state.addresses = frozenset(route.path for route in request.app.routes)
    return state.addresses


def _entries(tx: Tx, app: CompiledApp, language: str, at: str, has: frozenset[str]) -> list[Entry]:
    forms = [each for each in app.forms.values() if each.parent is None and may(app, tx.actor, "read", each.id)]
    entries = [
        _entry(f"/apps/{app.name}/forms/{form.name}", form_icon(app, form.id), say(form.title, language), at)
        for form in forms
    ]
    if entries and "/apps/{app}/dashboards/{dashboard}" in has:
        for each in app.definition.dashboards:
            path = f"/apps/{app.name}/dashboards/{each.name}"
            entries.append(_entry(path, DASHBOARD_ICON, say(each.title, language) or each.name, at))
    return entries


def _administration(tx: Tx, word: Callable[[str], str], at: str, has: frozenset[str]) -> list[Entry]:
    entries = []
    if "user_admin" in tx.actor.rights:
        entries += [
            _entry("/admin/members", "users", word("Members"), at),
            _entry("/admin/departments", "sitemap", word("Departments"), at),
            _entry("/admin/roles", "shield", word("Roles"), at),
        ]
    if "auditor" in tx.actor.rights and "/admin/audit" in has:
        entries.append(_entry("/admin/audit", "history", word("Audit log"), at))
    if "app_admin" in tx.actor.rights and "/apps" in has:
        entries.append(_entry("/apps", "tool", word("Apps"), at))
    if tx.actor.rights & {"app_admin", "ops"} and "/attention" in has:
        entries.append(_entry("/attention", "bell-ringing", word("Needs attention"), at))
    return entries


def _entry(href: str, icon: str, title: str, at: str, count: int = 0) -> Entry:
    current = at == href or (href != "/" and at.startswith(href + "/"))
    return Entry(href, icon, title, count, current)
