"""JSON for signing in and out, for what I am, my devices and my password."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from engines.json_values import id_in
from metadata.problems import Refusal
from runtime import organisation
from runtime.identity import sessions, sign_in
from runtime.identity.sessions import Session
from runtime.organisation import members
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.deps import Anyone, SignedIn
from runtime.web.guards import address_of, cookie_name, must_be_session
from runtime.web.limits import HashQueue
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1", tags=["session"])

Id = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Body(BaseModel):
    """A body in which every key is known and every value has its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SignIn(Body):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)
    remember: bool = False


class NewPassword(Body):
    old_password: str = Field(max_length=1000)
    password: str = Field(max_length=1000)


class Code(Body):
    ticket: str = Field(max_length=100)
    code: str = Field(max_length=100)
    remember: bool = False


class Elevation(Body):
    password: str = Field(max_length=1000)
    code: str = Field(default="", max_length=100)


class Profile(Body):
    name: Name | None = None
    language: str | None = Field(default=None, pattern="^(en|zh)$")
    time_zone: str | None = Field(default=None, max_length=64)


@router.post("/session", status_code=201)
async def open_session(body: SignIn, visit: Anyone) -> Response:
    """Sign in: a cookie for browsers. Who has a second factor gets a ticket (code_required) for the next step."""
    session = await enter(visit, body.email, body.password, body.remember)
    return _entered(visit, session)


@router.post("/session/code", status_code=201)
async def enter_code(body: Code, visit: Anyone) -> Response:
    """The second step of signing in: the code of the authenticator app, or a recovery code."""
    return _entered(visit, await finish(visit, body.ticket, body.code, body.remember))


@router.delete("/session", status_code=204)
def close_session(visit: SignedIn) -> Response:
    """Sign out on this device."""
    if (session := visit.session) is not None:
        visit.run(lambda tx: sessions.sign_out(tx, session.id))
    return without_cookie(Response(status_code=204), visit)


@router.post("/session/elevate")
async def elevate(body: Elevation, visit: SignedIn) -> Response:
    """Give the password again (and the code of who has a second factor): opens acts on the installation for 15 min."""
    session = await confirm(visit, body.password, body.code)
    answer = JsonResponse({"elevated_until": session.elevated_until, "csrf": session.csrf})
    return with_cookie(answer, visit, session)


@router.get("/me")
def me(visit: SignedIn) -> JsonResponse:
    """What I am: name, department, manager, roles and rights."""
    actor = visit.actor
    department = manager = None
    with visit.read() as tx:
        roles = {app: _roles(tx, app, held) for app, held in actor.roles.items() if held}
        people, departments = tx.organisation.people, tx.organisation.departments
        if actor.department is not None and actor.department in departments:
            department = {"id": str(actor.department), "name": departments[actor.department].name}
        if actor.manager is not None and actor.manager in people:
            manager = {"id": str(actor.manager), "name": people[actor.manager].name}
    return JsonResponse(
        {
            "id": str(actor.member),
            "name": actor.name,
            "email": actor.email,
            "language": actor.language,
            "time_zone": actor.time_zone,
            "department": department,
            "manager": manager,
            "roles": roles,
            "rights": sorted(actor.rights),
            "scopes": None if actor.scopes is None else sorted(actor.scopes),
            "csrf": visit.csrf or None,
        }
    )


def _roles(tx: Tx, app: str, held: frozenset[str]) -> list[str]:
    """The names of roles; one that the live app does not know any more keeps its id."""
    try:
        names = tx.services.apps.live(tx, app).role_names
    except Refusal:  # the app has gone, or cannot be read at the moment
        names = {}
    return sorted(names.get(each, each) for each in held)


@router.patch("/me")
def change_profile(body: Profile, visit: SignedIn) -> JsonResponse:
    """Change my own name, language or time zone."""
    must_be_session(visit)
    changes = body.model_dump(exclude_none=True)
    if "time_zone" in changes:
        organisation.require_time_zone(changes["time_zone"])
    if changes and visit.actor.member is not None:
        member = visit.actor.member
        visit.run(lambda tx: organisation.change_member(tx, member, **changes))
    return JsonResponse({"changed": sorted(changes)})


@router.get("/sessions")
def my_sessions(visit: SignedIn) -> JsonResponse:
    """The devices on which I am signed in."""
    must_be_session(visit)
    with visit.read() as tx:
        return JsonResponse({"items": sessions.sessions(tx)})


@router.delete("/sessions/{session}", status_code=204)
def revoke_session(session: Id, visit: SignedIn) -> Response:
    """Sign out on another device."""
    must_be_session(visit)
    visit.run(lambda tx: sessions.revoke_session(tx, small(session)))
    return Response(status_code=204)


@router.post("/me/password", status_code=204)
async def change_password(body: NewPassword, visit: SignedIn) -> Response:
    """Change my password; every device is signed out, this one signs in anew."""
    return with_cookie(Response(status_code=204), visit, await renew(visit, body.old_password, body.password))


# --- shared with the sign-in page ---


def hashes(visit: Visit) -> HashQueue:
    """The queue in which password checks wait."""
    queue: HashQueue = visit.request.app.state.hashes
    return queue


async def enter(visit: Visit, email: str, password: str, remember: bool) -> Session:
    """Check the password when its turn comes and open a session; waiting holds no thread."""
    who, cause = _device(visit), visit.cause
    return await hashes(visit).run(
        lambda: sign_in.sign_in(visit.services, email, password, remember=remember, cause=cause, **who)
    )


async def finish(visit: Visit, ticket: str, code: str, remember: bool) -> Session:
    """Check the code of the second step and open a session."""
    who, cause = _device(visit), visit.cause
    return await to_thread.run_sync(
        lambda: sign_in.enter_code(visit.services, ticket, code, remember=remember, cause=cause, **who)
    )


async def confirm(visit: Visit, password: str, code: str) -> Session:
    """Check once more who sits there."""
    session, address, cause = must_be_session(visit), address_of(visit.request), visit.cause
    work = lambda: sign_in.elevate(visit.services, visit.actor, session, password, code, address=address, cause=cause)  # noqa: E731
    return await hashes(visit).run(work)


async def renew(visit: Visit, old: str, new: str) -> Session:
    """Change the password and go on in a new session."""
    session, who = must_be_session(visit), _device(visit)

    def change(tx: Tx) -> Session:
        members.change_password(tx, old, new)
        return sessions.open_session(tx, session.member, remember=session.remembered, **who)

    return await hashes(visit).run(lambda: visit.run(change))


def _device(visit: Visit) -> dict[str, str]:
    return {"address": address_of(visit.request), "agent": visit.request.headers.get("user-agent", "")}


def _entered(visit: Visit, session: Session) -> Response:
    return with_cookie(JsonResponse({"member": str(session.member), "csrf": session.csrf}, 201), visit, session)


def with_cookie(response: Response, visit: Visit, session: Session) -> Response:
    """Hand the session's token to the browser, and to nobody else."""
    settings = visit.services.settings
    life = sessions.ABSOLUTE_REMEMBERED if session.remembered else None
    response.set_cookie(
        cookie_name(settings.is_secure),
        session.token,
        max_age=int(life.total_seconds()) if life else None,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


def without_cookie(response: Response, visit: Visit) -> Response:
    """Take the token away."""
    settings = visit.services.settings
    response.delete_cookie(cookie_name(settings.is_secure), path="/", secure=settings.is_secure, httponly=True)
    return response


def small(text: str) -> int:
    """An id as a number; what can be no id belongs to nothing."""
    return id_in(text) or 0
