"""One's own second factor: setting it up with a code to scan, recovery codes, turning it off."""

import segno
from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from metadata.problems import Refusal
from runtime.identity import second_factor
from runtime.identity.second_factor import Enrolment
from runtime.web.deps import ElevatedForm
from runtime.web.pages.page import Page, SignedInOnly
from runtime.web.pages.shown_once import shown_once

router = APIRouter(prefix="/account/second-factor", include_in_schema=False)


@router.get("")
def state(page: SignedInOnly) -> Response:
    return _shown(page)


@router.post("")
def begin(page: SignedInOnly, form: ElevatedForm) -> Response:
    try:
        made = shown_once(page.visit, form, second_factor.begin)
    except Refusal as refusal:
        return _shown(page, refusal.status, problems=page.problems(refusal))
    return _shown(page, enrolment=_drawn(made))


@router.post("/confirm")
def confirm(page: SignedInOnly, form: ElevatedForm) -> Response:
    code = str(form.get("code", ""))[:100]
    try:
        codes = shown_once(page.visit, form, lambda tx: second_factor.confirm(tx, code))
    except Refusal as refusal:
        with page.visit.read() as tx:
            begun = second_factor.begun(tx)
        return _shown(page, refusal.status, enrolment=begun and _drawn(begun), problems=page.problems(refusal))
    return _shown(page, recovery_codes=codes)


@router.post("/recovery-codes")
def renew_codes(page: SignedInOnly, form: ElevatedForm) -> Response:
    try:
        codes = shown_once(page.visit, form, second_factor.renew_codes)
    except Refusal as refusal:
        return _shown(page, refusal.status, problems=page.problems(refusal))
    return _shown(page, recovery_codes=codes)


@router.post("/off")
def turn_off(page: SignedInOnly, form: ElevatedForm) -> Response:
    page.visit.once_of_form(form, lambda tx: second_factor.turn_off(tx, _me(page)))
    return page.go("/account/second-factor", page.word("The second factor is off"))


def _drawn(enrolment: Enrolment) -> dict[str, object]:
    """The secret to type, in groups of four, and the address as a drawing to scan."""
    drawing = segno.make(enrolment.address, micro=False).svg_inline(scale=5, border=3, light="#fff", svgclass="qr-code")
    grouped = " ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4))
    return {"secret": grouped, "drawing": Markup(drawing)}


def _shown(page: Page, status: int = 200, **more: object) -> Response:
    with page.visit.read() as tx:
        on, left = second_factor.is_on(tx.connection, _me(page)), second_factor.codes_left(tx.connection, _me(page))
        needed = bool(page.request.state.withheld)
        return page.show(tx, "pages/account/second_factor.html", status, on=on, left=left, needed=needed, **more)


def _me(page: Page) -> int:
    assert page.actor.member is not None
    return page.actor.member
