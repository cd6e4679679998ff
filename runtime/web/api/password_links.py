"""JSON for setting a password by a link: asking for one, using it, and making one for a member."""

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from runtime.identity import password_links
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Body, Id, hashes, small
from runtime.web.deps import Anyone, ElevatedUserAdmin
from runtime.web.guards import address_of
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1", tags=["session"])


class Forgotten(Body):
    email: str = Field(max_length=320)


class ByLink(Body):
    token: str = Field(max_length=100)
    password: str = Field(max_length=1000)


@router.post("/password-links", status_code=202)
def ask(body: Forgotten, visit: Anyone) -> JsonResponse:
    """Have a link mailed that sets a new password; the answer is the same whether or not there is such a member."""
    visit.run(lambda tx: password_links.ask(tx, body.email, address_of(visit.request)))
    return JsonResponse({}, 202)


@router.post("/password-links/use", status_code=204)
async def use(body: ByLink, visit: Anyone) -> Response:
    """Set the password with the token of a link; every session ends."""
    await complete(visit, body.token, body.password)
    return Response(status_code=204)


@router.post("/members/{member}/password-link", status_code=201)
def make(member: Id, visit: ElevatedUserAdmin) -> JsonResponse:
    """Make a link with which a member sets his password, to be handed over; it is in this answer only."""
    return JsonResponse({"url": visit.run(lambda tx: password_links.make(tx, small(member)))}, 201)


@router.post("/members/{member}/password-mail", status_code=202)
def mail(member: Id, visit: ElevatedUserAdmin) -> JsonResponse:
    """Mail such a link to the member."""
    visit.run(lambda tx: password_links.mail(tx, small(member)))
    return JsonResponse({}, 202)


async def complete(visit: Visit, token: str, password: str) -> None:
    """Set a password when its turn to be hashed comes."""
    address = address_of(visit.request)
    await hashes(visit).run(lambda: visit.run(lambda tx: password_links.complete(tx, token, password, address)))
