"""Setting a password by a link, in a browser: asking for the link, and using it."""

from fastapi import APIRouter
from fastapi.responses import Response

from metadata.problems import Refusal
from runtime.identity import password_links, tickets
from runtime.web.api import password_links as links
from runtime.web.guards import address_of
from runtime.web.pages.account.sign_in import PlainForm
from runtime.web.pages.page import OpenToAll

router = APIRouter(include_in_schema=False)


@router.get("/forgotten")
def forgotten(page: OpenToAll) -> Response:
    return page.bare("pages/account/forgotten.html", has_mail=bool(page.services.settings.smtp_host))


@router.post("/forgotten")
def ask(page: OpenToAll, form: PlainForm) -> Response:
    email = str(form.get("email", ""))[:320]
    page.visit.run(lambda tx: password_links.ask(tx, email, address_of(page.request)))
    return page.bare("pages/account/forgotten.html", has_mail=bool(page.services.settings.smtp_host), asked=True)


@router.get("/password")
def choose(page: OpenToAll, token: str = "") -> Response:
    """The form, if the link still works; looking at it uses nothing up, for mail scanners look too."""
    try:
        with page.visit.read() as tx:
            tickets.find(tx.connection, token[:100], password_links.PURPOSES, tx.now)
    except tickets.TicketOver as over:
        return page.bare("pages/account/new_password.html", over.status, token="", problems=page.problems(over))
    return page.bare("pages/account/new_password.html", token=token[:100])


@router.post("/password")
async def use(page: OpenToAll, form: PlainForm) -> Response:
    token, password = str(form.get("token", ""))[:100], str(form.get("password", ""))[:1000]
    try:
        await links.complete(page.visit, token, password)
    except Refusal as refusal:
        token = "" if isinstance(refusal, tickets.TicketOver) else token
        return page.bare(
            "pages/account/new_password.html", refusal.status, token=token, problems=page.problems(refusal)
        )
    said = page.word("Your password is set. Sign in with it.")
    return page.bare("pages/account/sign_in.html", next="/", email="", problems=[], said=said)
