"""One's own settings: name and language, password, devices, API keys."""

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import select

from engines.json_values import id_in
from metadata.problems import Refusal
from runtime import organisation
from runtime.db import tables
from runtime.identity import api_keys, second_factor, sessions
from runtime.transaction import Tx
from runtime.web.answers import LANGUAGES
from runtime.web.api import session as entrance
from runtime.web.deps import CheckedForm, ElevatedForm
from runtime.web.pages.page import LANGUAGE_COOKIE, Page, SignedInOnly
from runtime.web.pages.shown_once import shown_once

router = APIRouter(include_in_schema=False)


@router.get("/account")
def account(page: SignedInOnly) -> Response:
    return _shown(page)


@router.post("/account/profile")
def change_profile(page: SignedInOnly, form: CheckedForm) -> Response:
    name, language = str(form.get("name", "")).strip()[:200], str(form.get("language", ""))
    changes = {"name": name} if name else {}
    if language in LANGUAGES:
        changes["language"] = language
    page.visit.once_of_form(form, lambda tx: organisation.change_member(tx, _me(page), **changes))
    answer = page.go("/account", page.word("Saved"))
    answer.delete_cookie(LANGUAGE_COOKIE)
    return answer


@router.post("/account/password")
async def change_password(page: SignedInOnly, form: CheckedForm) -> Response:
    old, new = str(form.get("current", ""))[:1000], str(form.get("new", ""))[:1000]
    try:
        fresh = await entrance.renew(page.visit, old, new)
    except Refusal as refusal:
        return _shown(page, refusal.status, problems=page.problems(refusal))
    return entrance.with_cookie(page.go("/account", page.word("The password has been changed")), page.visit, fresh)


@router.post("/account/sessions/end-others")
def end_other_sessions(page: SignedInOnly, form: CheckedForm) -> Response:
    def end(tx: Tx) -> None:
        for each in sessions.sessions(tx):
            if not each["current"]:
                sessions.revoke_session(tx, int(each["id"]))

    page.visit.once_of_form(form, end)
    return page.go("/account", page.word("All other sessions have ended"))


@router.post("/account/keys")
def create_key(page: SignedInOnly, form: ElevatedForm) -> Response:
    name = str(form.get("name", "")).strip()[:80] or "key"
    try:
        made = shown_once(page.visit, form, lambda tx: api_keys.create_key(tx, name, None))
    except Refusal as refusal:
        return _shown(page, refusal.status, problems=page.problems(refusal))
    return _shown(page, new_key=made["key"])


@router.post("/account/keys/{key}/revoke")
def revoke_key(page: SignedInOnly, form: CheckedForm, key: str) -> Response:
    page.visit.once_of_form(form, lambda tx: api_keys.revoke_key(tx, id_in(key) or 0))
    return page.go("/account", page.word("The key has been revoked"))


def _shown(page: Page, status: int = 200, **more: Any) -> Response:
    with page.visit.read() as tx:
        member = tx.connection.execute(select(tables.member).where(tables.member.c.id == _me(page))).one()
        valid = [each for each in api_keys.keys(tx) if each["revoked_at"] is None and each["expires_at"] > tx.now]
        now = tx.now.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))
        context = {"member": member, "sessions": sessions.sessions(tx), "keys": valid, "now": now, **more}
        context["second_factor"] = second_factor.is_on(tx.connection, _me(page))
        return page.show(tx, "pages/account/account.html", status, **context)


def _me(page: Page) -> int:
    assert page.actor.member is not None
    return page.actor.member
