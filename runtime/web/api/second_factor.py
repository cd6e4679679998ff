"""JSON for my second factor: set it up, confirm it, renew the recovery codes, turn it off."""

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from runtime.identity import second_factor
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Body
from runtime.web.deps import Elevated, SignedIn
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/me/second-factor", tags=["session"])


class FirstCode(Body):
    code: str = Field(max_length=100)


@router.get("")
def state(visit: SignedIn) -> JsonResponse:
    """Whether I have one, and how many recovery codes are left."""
    with visit.read() as tx:
        member = _me(visit)
        on, left = second_factor.is_on(tx.connection, member), second_factor.codes_left(tx.connection, member)
    return JsonResponse({"on": on, "recovery_codes_left": left})


@router.post("", status_code=201)
def begin(visit: Elevated) -> JsonResponse:
    """Make a secret for an authenticator app; nothing is asked for until a first code confirms it."""
    made = visit.run(second_factor.begin)
    return JsonResponse({"secret": made.secret, "address": made.address}, 201)


@router.post("/confirm")
def confirm(body: FirstCode, visit: Elevated) -> JsonResponse:
    """Turn it on with a first code; the recovery codes are shown in this answer only."""
    return JsonResponse({"recovery_codes": visit.run(lambda tx: second_factor.confirm(tx, body.code))})


@router.post("/recovery-codes")
def renew_codes(visit: Elevated) -> JsonResponse:
    """Ten new recovery codes; the old ones stop working."""
    return JsonResponse({"recovery_codes": visit.run(second_factor.renew_codes)})


@router.delete("", status_code=204)
def turn_off(visit: Elevated) -> Response:
    """Do without a second factor from now on."""

    def work(tx: Tx) -> None:
        second_factor.turn_off(tx, _me(visit))

    visit.run(work)
    return Response(status_code=204)


def _me(visit: Visit) -> int:
    assert visit.actor.member is not None
    return visit.actor.member
