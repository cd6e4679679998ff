"""JSON for signing in and out, for what I am, my devices, my password and my keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from engines.json_values import id_in
from metadata.problems import ROOT, Problem, Refused
from runtime import identity, organisation
from runtime.db.ids import new_id
from runtime.identity import Session
from runtime.transaction import Cause
from runtime.web.answers import JsonResponse
from runtime.web.deps import Anyone, SignedIn, Visit, address_of, cookie_name, services_of
from runtime.web.limits import HashQueue

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


class Elevation(Body):
    password: str = Field(max_length=1000)


class Profile(Body):
    name: Name | None = None
    language: str | None = Field(default=None, pattern="^(en|zh)$")
    time_zone: str | None = Field(default=None, max_length=64)


class NewKey(Body):
    name: Name
    scopes: list[str] | None = Field(default=None, max_length=50)
    days: int = identity.KEY_DAYS
    networks: list[str] | None = Field(default=None, max_length=20)


@router.post("/session", status_code=201)
async def sign_in(body: SignIn, visit: Anyone) -> Response:
    """Sign in: a cookie for browsers. Waits its turn without holding a thread, for hashing is slow on purpose."""
    session = await enter(visit, body.email, body.password, body.remember)
    return with_cookie(JsonResponse({"member": str(session.member), "csrf": session.csrf}, 201), visit, session)


@router.delete("/session", status_code=204)
def sign_out(visit: SignedIn) -> Response:
    """Sign out on this device."""
    if (session := visit.session) is not None:
        visit.run(lambda tx: identity.sign_out(tx, session.id))
    return without_cookie(Response(status_code=204), visit)


@router.post("/session/elevation")
async def elevate(body: Elevation, visit: SignedIn) -> JsonResponse:
    """Enter the password again, for acts on the installation."""
    session = must_be_session(visit)
    until = await hashes(visit).run(lambda: visit.run(lambda tx: identity.elevate(tx, session.id, body.password)))
    return JsonResponse({"elevated_until": until})


@router.get("/me")
def me(visit: SignedIn) -> JsonResponse:
    """What I am: name, department, manager, roles and rights."""
    actor = visit.actor
    department = manager = None
    with visit.read() as tx:
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
            "roles": {app: sorted(roles) for app, roles in actor.roles.items()},
            "rights": sorted(actor.rights),
            "scopes": None if actor.scopes is None else sorted(actor.scopes),
            "csrf": visit.csrf or None,
        }
    )


@router.patch("/me")
def change_profile(body: Profile, visit: SignedIn) -> JsonResponse:
    """Change my own name, language or time zone."""
    changes = body.model_dump(exclude_none=True)
    if "time_zone" in changes:
        organisation.require_time_zone(changes["time_zone"])
    if changes and visit.actor.member is not None:
        member = visit.actor.member
        visit.run(lambda tx: organisation.change_member(tx, member, **changes))
    return JsonResponse({"changed": sorted(changes)})


@router.get("/sessions")
def sessions(visit: SignedIn) -> JsonResponse:
    """The devices on which I am signed in."""
    with visit.read() as tx:
        return JsonResponse({"items": identity.sessions(tx)})


@router.delete("/sessions/{session}", status_code=204)
def revoke_session(session: Id, visit: SignedIn) -> Response:
    """Sign out on another device."""
    visit.run(lambda tx: identity.revoke_session(tx, small(session)))
    return Response(status_code=204)


@router.post("/me/password", status_code=204)
async def change_password(body: NewPassword, visit: SignedIn, request: Request) -> Response:
    """Change my password; every device is signed out, this one signs in anew."""
    session = must_be_session(visit)

    def work() -> Session:
        def change(tx: Any) -> Session:
            identity.change_password(tx, body.old_password, body.password)
            agent = request.headers.get("user-agent", "")
            return identity.open_session(tx, session.member, address_of(request), agent, session.remembered)

        return visit.run(change)

    return with_cookie(Response(status_code=204), visit, await hashes(visit).run(work))


@router.get("/keys")
def keys(visit: SignedIn) -> JsonResponse:
    """My API keys, without their secrets."""
    with visit.read() as tx:
        return JsonResponse({"items": identity.keys(tx)})


@router.post("/keys", status_code=201)
def create_key(body: NewKey, visit: SignedIn) -> JsonResponse:
    """Make an API key; its secret is shown in this answer only."""
    must_be_session(visit)
    return JsonResponse(
        visit.run(lambda tx: identity.create_key(tx, body.name, body.scopes, body.days, body.networks)), 201
    )


@router.delete("/keys/{key}", status_code=204)
def revoke_key(key: Id, visit: SignedIn) -> Response:
    """Stop an API key at once."""
    must_be_session(visit)
    visit.run(lambda tx: identity.revoke_key(tx, small(key)))
    return Response(status_code=204)


# --- shared with the sign-in page ---


def hashes(visit: Visit) -> HashQueue:
    """The queue in which password checks wait."""
    queue: HashQueue = visit.request.app.state.hashes
    return queue


async def enter(visit: Visit, email: str, password: str, remember: bool) -> Session:
    """Check the password when its turn comes and open a session."""
    request, services = visit.request, services_of(visit.request)
    agent = request.headers.get("user-agent", "")
    cause = Cause(new_id(), "request", request=request.state.id)
    address = address_of(request)
    return await hashes(visit).run(
        lambda: identity.sign_in(
            services, email, password, address=address, agent=agent, remember=remember, cause=cause
        )
    )


def with_cookie(response: Response, visit: Visit, session: Session) -> Response:
    """Hand the session's token to the browser, and to nobody else."""
    settings = visit.services.settings
    life = identity.ABSOLUTE_REMEMBERED if session.remembered else None
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


def must_be_session(visit: Visit) -> Session:
    """Some acts need a person at a browser; a key cannot make keys."""
    if visit.session is None:
        message = {"en": "Sign in with your password for this", "zh": "请使用密码登录后操作"}
        raise Refused(Problem(ROOT, "session_needed", message))
    return visit.session


def small(text: str) -> int:
    """An id as a number; what can be no id belongs to nothing."""
    return id_in(text) or 0
