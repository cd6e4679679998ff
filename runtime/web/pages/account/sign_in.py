"""Signing in and out in a browser: the password, the code of who has a second factor, and showing it is still you."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from metadata.problems import Refusal
from runtime.identity import second_factor, sessions
from runtime.identity.sign_in import CodeRequired
from runtime.identity.tickets import TicketOver
from runtime.web.api import session as entrance
from runtime.web.deps import CheckedForm
from runtime.web.guards import must_be_session
from runtime.web.pages.page import OpenToAll, Page, SignedInOnly, safe_path
from runtime.web.visit import CONFIRMING

router = APIRouter(include_in_schema=False)


async def plain_form(request: Request) -> FormData:
    """The fields of a form that nobody is signed in for, so that it carries no token yet."""
    return await request.form(max_files=0, max_fields=10)


PlainForm = Annotated[FormData, Depends(plain_form)]


@router.get("/sign-in")
def sign_in_page(page: OpenToAll, next: str = "/") -> Response:
    if page.visit.session is not None:
        return RedirectResponse(safe_path(next), 303)
    return page.bare("pages/account/sign_in.html", next=safe_path(next), email="", problems=[])


@router.post("/sign-in")
async def sign_in(page: OpenToAll, form: PlainForm) -> Response:
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    next, remember = safe_path(str(form.get("next", "/"))), form.get("remember") == "true"
    try:
        session = await entrance.enter(page.visit, email[:320], password[:1000], remember)
    except CodeRequired as needed:
        return page.bare("pages/account/code.html", ticket=needed.extra["ticket"], next=next, remember=remember)
    except Refusal as refusal:
        problems = page.problems(refusal)
        return page.bare("pages/account/sign_in.html", refusal.status, next=next, email=email[:320], problems=problems)
    return entrance.with_cookie(RedirectResponse(next, 303), page.visit, session)


@router.post("/sign-in/code")
async def enter_code(page: OpenToAll, form: PlainForm) -> Response:
    ticket, code = str(form.get("ticket", ""))[:100], str(form.get("code", ""))[:100]
    next, remember = safe_path(str(form.get("next", "/"))), form.get("remember") == "true"
    try:
        session = await entrance.finish(page.visit, ticket, code, remember)
    except TicketOver as over:
        again = [{"message": page.word("That took too long. Please sign in again.")}]
        return page.bare("pages/account/sign_in.html", over.status, next=next, email="", problems=again)
    except Refusal as refusal:
        context = {"ticket": ticket, "next": next, "remember": remember, "problems": page.problems(refusal)}
        return page.bare("pages/account/code.html", refusal.status, **context)
    return entrance.with_cookie(RedirectResponse(next, 303), page.visit, session)


@router.post("/sign-out")
def sign_out(page: SignedInOnly, form: CheckedForm) -> Response:
    session = page.visit.session
    if session is not None:
        page.visit.run(lambda tx: sessions.sign_out(tx, session.id))
    return entrance.without_cookie(RedirectResponse("/sign-in", 303), page.visit)


# --- showing once more who sits there ---


@router.get("/confirm")
def confirm_page(page: SignedInOnly, next: str = "/") -> Response:
    return ask_again(page, safe_path(next))


@router.post("/confirm")
async def confirm(page: SignedInOnly, form: CheckedForm, next: str = "/") -> Response:
    """Open the acts on the installation, then go on: a form that was sent before is sent again, as it was."""
    password, code = str(form.get("confirm-password", "")), str(form.get("confirm-code", ""))
    next, again = safe_path(next), form.get("confirm-again") == "true"
    try:
        session = await entrance.confirm(page.visit, password[:1000], code[:100])
    except Refusal as refusal:
        kept = form if again else None
        return ask_again(page, next, kept, status=refusal.status, problems=page.problems(refusal))
    return entrance.with_cookie(RedirectResponse(next, 307 if again else 303), page.visit, session)


def ask_again(page: Page, next: str, form: FormData | None = None, status: int = 403, **more: object) -> Response:
    """The page that asks for the password once more and keeps the form that was sent."""
    kept = [(name, value) for name, value in (form.multi_items() if form else ()) if isinstance(value, str)]
    kept = [(name, value) for name, value in kept if name not in (*CONFIRMING, "csrf")]
    session = must_be_session(page.visit)
    with page.visit.read() as tx:
        needs_code = second_factor.is_on(tx.connection, session.member)
    context = {"next": next, "kept": kept, "again": form is not None, "needs_code": needs_code, **more}
    return page.bare("pages/account/confirm.html", status, **context)
