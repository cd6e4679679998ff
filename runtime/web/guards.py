"""Guards: who may call a route. Every route declares one, or says with `anyone` that it is open to all."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from engines.actor import Actor
from metadata.problems import ROOT, Problem, Refused
from runtime import identity
from runtime.identity import NOBODY, NotSignedIn
from runtime.identity.sessions import Session, require_elevated
from runtime.services import Services
from runtime.web.answers import language_of
from runtime.web.visit import Visit

Guard = Callable[..., Any]
MARK = "is_guard"


def services_of(request: Request) -> Services:
    """The installation that this server runs."""
    found: Services = request.app.state.services
    return found


def guard(function: Guard) -> Guard:
    """Mark a dependency as a guard; the start refuses routes without one."""
    setattr(function, MARK, True)
    return function


@guard
async def open_to_all() -> None:
    """Open to everybody, without even asking who it is: static files, health."""


@guard
def anyone(request: Request) -> Visit:
    """Open to everybody; whoever is signed in is recognised all the same."""
    try:
        return recognise(request)
    except NotSignedIn:
        request.state.language = language_of(request)
        return Visit(request, services_of(request), NOBODY)


@guard
def signed_in(request: Request) -> Visit:
    """Open to members and to API keys within their scopes."""
    return recognise(request)


@guard
def signed_in_page(request: Request) -> Visit:
    """Open to members in a browser; without a session the answer is the way to the sign-in page."""
    visit = recognise(request)
    if visit.session is None:
        raise NotSignedIn()
    return visit


def holds(right: str, scope: str = "admin") -> Guard:
    """Open to members with a right over the installation (user_admin, app_admin, auditor, ops)."""

    @guard
    def check(visit: Annotated[Visit, Depends(signed_in)]) -> Visit:
        if right in visit.request.state.withheld:
            message = {"en": "This needs a second factor", "zh": "该操作要求启用两步验证"}
            way = {"en": "Set one up under Account settings", "zh": "请在“账户设置”中启用"}
            raise Refused(Problem(ROOT, "second_factor_required", message, way))
        if right not in visit.actor.rights or not _in_scope(visit.actor, scope):
            raise Refused()
        return visit

    return check


def elevated(of: Guard) -> Guard:
    """Open to whom another guard lets in, at a browser, who gave the password in the last quarter of an hour.

    Acts on the installation ask for this: a key, or a session that somebody left open, is not enough (S7).
    """

    @guard
    def check(visit: Annotated[Visit, Depends(of)]) -> Visit:
        require_elevated(must_be_session(visit), visit.services.clock())
        return visit

    return check


def must_be_session(visit: Visit) -> Session:
    """Some acts need a person at a browser; a key cannot make keys."""
    if visit.session is None:
        message = {"en": "Sign in with your password for this", "zh": "请使用密码登录后操作"}
        raise Refused(Problem(ROOT, "session_needed", message))
    return visit.session


def needs_scope(*scopes: str) -> Guard:
    """Open to members, and to those API keys that have one of the scopes."""

    @guard
    def check(visit: Annotated[Visit, Depends(signed_in)]) -> Visit:
        if not any(_in_scope(visit.actor, scope) for scope in scopes):
            english, chinese = " or ".join(scopes), " 或 ".join(scopes)
            message = {"en": f"This key lacks the scope {english}", "zh": f"该密钥缺少权限范围 {chinese}"}
            raise Refused(Problem(ROOT, "scope_missing", message))
        return visit

    return check


def cookie_name(secure: bool) -> str:
    """Bound to this host and to https where people come over https."""
    return "__Host-fourfold" if secure else "fourfold"


def recognise(request: Request) -> Visit:
    """The visit of whoever asks, or NotSignedIn."""
    services = services_of(request)
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        with services.database.look_up() as connection:
            found = identity.key_actor(services, connection, secret.strip(), address_of(request))
    else:
        token = request.cookies.get(cookie_name(services.settings.is_secure))
        if not token:
            raise NotSignedIn()
        with services.database.look_up() as connection:
            found = identity.session_actor(services, connection, token, request.path_params.get("app", ""))
    request.state.language = language_of(request, found.actor)
    request.state.actor = found.actor
    request.state.withheld = found.withheld
    request.state.recognised = found
    return Visit(request, services, found.actor, found.session)


def address_of(request: Request) -> str:
    """The address the request came from (the server has already looked through trusted proxies)."""
    return request.client.host if request.client else ""


def _in_scope(actor: Actor, scope: str) -> bool:
    return actor.scopes is None or scope in actor.scopes
