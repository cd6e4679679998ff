"""Signing in and out in a browser."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from metadata.problems import Refusal
from runtime import identity
from runtime.web import session as sessions
from runtime.web.deps import CheckedForm
from runtime.web.pages.page import OpenToAll, SignedInOnly, safe_path

router = APIRouter(include_in_schema=False)


async def plain_form(request: Request) -> FormData:
    """The fields of a form that nobody is signed in for, so that it carries no token yet."""
    return await request.form(max_files=0, max_fields=10)


@router.get("/sign-in")
def sign_in_page(page: OpenToAll, next: str = "/") -> Response:
    if page.visit.session is not None:
        return RedirectResponse(safe_path(next), 303)
    return page.bare("pages/account/sign_in.html", next=safe_path(next), email="", problems=[])


@router.post("/sign-in")
async def sign_in(page: OpenToAll, form: Annotated[FormData, Depends(plain_form)]) -> Response:
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    next = safe_path(str(form.get("next", "/")))
    try:
        session = await sessions.enter(page.visit, email[:320], password[:1000], form.get("remember") == "true")
    except Refusal as refusal:
        problems = page.problems(refusal)
        return page.bare("pages/account/sign_in.html", refusal.status, next=next, email=email[:320], problems=problems)
    return sessions.with_cookie(RedirectResponse(next, 303), page.visit, session)


@router.post("/sign-out")
def sign_out(page: SignedInOnly, form: CheckedForm) -> Response:
    session = page.visit.session
    if session is not None:
        page.visit.run(lambda tx: identity.sign_out(tx, session.id))
    return sessions.without_cookie(RedirectResponse("/sign-in", 303), page.visit)
