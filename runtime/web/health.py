"""Is it alive, is it ready, how is it doing: for supervisors and monitoring."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from metadata.problems import Refusal, Refused
from runtime.db.migrate import current_version, newest_version
from runtime.web.answers import JsonResponse
from runtime.web.deps import Anyone
from runtime.web.guards import guard, open_to_all, services_of
from runtime.web.visit import Visit

router = APIRouter(include_in_schema=False)
LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")


@router.get("/healthz", dependencies=[Depends(open_to_all)])
async def alive() -> JsonResponse:
    """The process answers; whether the database does is another question."""
    return JsonResponse({"status": "alive"})


@router.get("/readyz", dependencies=[Depends(open_to_all)])
def ready(request: Request) -> JsonResponse:
    """The database answers and has the version this program needs; how many kinds live apps lack, where they do."""
    services = services_of(request)
    try:
        with services.database.read() as connection:
            connection.execute(text("SELECT 1"))
            version = current_version(connection)
    except (SQLAlchemyError, Refusal):
        return JsonResponse({"status": "database_unavailable"}, 503, {"Retry-After": "5"})
    if version != newest_version():
        return JsonResponse({"status": "migration_needed"}, 503)
    missing = len({(each.noun, each.name) for each in services.apps.missing()})
    return JsonResponse({"status": "ready", **({"missing_kinds": missing} if missing else {})})


@guard
def watcher(visit: Anyone) -> Visit:
    """This machine itself, or a member or key with the right `ops`."""
    host = visit.request.client.host if visit.request.client else ""
    forwarded = "x-forwarded-for" in visit.request.headers or "forwarded" in visit.request.headers
    if (host in LOOPBACK and not forwarded) or "ops" in visit.actor.rights:
        return visit
    raise Refused()


@router.get("/metrics")
def metrics(request: Request, visit: Annotated[Visit, Depends(watcher)]) -> Response:
    """Counters and timings."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
