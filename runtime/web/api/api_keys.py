"""JSON for my API keys."""

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from runtime.identity import api_keys
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Body, Id, Name, small
from runtime.web.deps import Elevated, SignedIn
from runtime.web.guards import must_be_session

router = APIRouter(prefix="/api/v1", tags=["session"])


class NewKey(Body):
    name: Name
    scopes: list[str] | None = Field(default=None, max_length=50)
    days: int = api_keys.KEY_DAYS
    networks: list[str] | None = Field(default=None, max_length=20)


@router.get("/keys")
def keys(visit: SignedIn) -> JsonResponse:
    """My API keys, without their secrets."""
    with visit.read() as tx:
        return JsonResponse({"items": api_keys.keys(tx)})


@router.post("/keys", status_code=201)
def create_key(body: NewKey, visit: Elevated) -> JsonResponse:
    """Make an API key; its secret is shown in this answer only."""
    made = visit.run(lambda tx: api_keys.create_key(tx, body.name, body.scopes, body.days, body.networks))
    return JsonResponse(made, 201)


@router.delete("/keys/{key}", status_code=204)
def revoke_key(key: Id, visit: SignedIn) -> Response:
    """Stop an API key at once."""
    must_be_session(visit)
    visit.run(lambda tx: api_keys.revoke_key(tx, small(key)))
    return Response(status_code=204)
