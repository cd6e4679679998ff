"""What a route may ask for: the visit (who asks, and how to read and write as him), the body, a guard.

Every route declares a guard: `signed_in`, `signed_in_page`, `holds(right)` or, for what is open to all, `anyone`.
Transactions are opened inside the route (`with visit.read() as tx`, `visit.run(work)`), never by a dependency: a
connection that waits for a free thread would starve the ones that hold a thread and wait for a connection.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from engines.actor import Actor
from metadata.problems import ROOT, Problem, Refusal, Refused
from runtime import audit, idempotency, identity, transaction
from runtime.db.ids import new_id
from runtime.idempotency import Answer, Key, KeyReused
from runtime.identity import NOBODY, NotSignedIn, Recognised
from runtime.identity.sessions import Session, require_elevated
from runtime.services import Services
from runtime.transaction import Cause, Tx
from runtime.web.answers import as_response, language_of
from runtime.web.limits import Places
from runtime.web.strict_json import BadJson

T = TypeVar("T")
Guard = Callable[..., Any]
MARK = "is_guard"
FORM_KEY = "idempotency-key"  # no field can be called so
OF_THE_PAGE = (FORM_KEY, "csrf")
PART_OF_A_FILE = 1 << 20


@dataclass(frozen=True)
class Visit:
    """One request of one actor."""

    request: Request
    services: Services
    actor: Actor
    session: Session | None = None

    @property
    def language(self) -> str:
        """The language to answer in."""
        return str(self.request.state.language)

    @property
    def csrf(self) -> str:
        """The token that every form of this session carries."""
        return self.session.csrf if self.session else ""

    @property
    def cause(self) -> Cause:
        return Cause(new_id(), "request", request=self.request.state.id)

    def read(self, seconds: float | None = None) -> AbstractContextManager[Tx]:
        """Read as the actor: `with visit.read() as tx`; a statement that takes too long is stopped."""
        return transaction.read(self.services, self.actor, self._just_read(), seconds)

    def write(self) -> AbstractContextManager[Tx]:
        """Write as the actor, once: `with visit.write() as tx`."""
        return transaction.begin(self.services, self.actor, self.cause, self._just_read())

    def run(self, work: Callable[[Tx], T]) -> T:
        """Write as the actor, again from the start after a deadlock."""
        return transaction.run(self.services, self.actor, work, self.cause, self._just_read())

    def once(self, work: Callable[[Tx], Answer]) -> Any:
        """Write as the actor and answer; a repeat with the same Idempotency-Key gets the stored answer (S3)."""
        key = idempotency.key_of(self.actor, self.request.headers.get("idempotency-key"), *self._fingerprint())
        return as_response(idempotency.once(self.services, self.actor, key, work, self.cause, self._just_read()))

    def once_prepared(self, prepare: Callable[[], T], work: Callable[[Tx, T], Answer]) -> Any:
        """The same for work that takes long to prepare: that is done before the transaction, and not for a repeat."""
        key = idempotency.key_of(self.actor, self.request.headers.get("idempotency-key"), *self._fingerprint())
        answer = idempotency.once_prepared(self.services, self.actor, key, prepare, work, self.cause)
        return as_response(answer)

    def form_key(self, form: FormData) -> Key | None:
        """The key of the form that a page drew, and what it says; None where it has none."""
        route = f"{self.request.method} {self.request.scope['path']}"
        sent = form.get(FORM_KEY)
        return idempotency.key_of(self.actor, sent if isinstance(sent, str) and sent else None, route, _said(form))

    def once_done(self, key: Key | None, work: Callable[[Tx], Answer]) -> Answer:
        """Write as the actor what a page's form says; the same form sent again gets the first answer (S3)."""
        return idempotency.once_done(self.services, self.actor, key, work, self.cause, self._just_read())

    def once_of_form(self, form: FormData, work: Callable[[Tx], object]) -> None:
        """The same where nothing is made that could be opened: other content of the same form is another request."""
        key = self.form_key(form)

        def done(tx: Tx) -> Answer:
            work(tx)
            return Answer()

        try:
            self.once_done(key, done)
        except KeyReused:
            self.once_done(key.of_its_content() if key else None, done)

    def heavy(self) -> AbstractContextManager[None]:
        """A place among the few heavy requests that run at a time: `with visit.heavy():`."""
        places: Places = self.request.app.state.places
        return places.take(str(self.actor.member))

    def tell(self, answer: Response, action: str, **what: Any) -> Response:
        """Say in the audit trail what was only read, once the answer is out: no reader waits for a writer."""

        def note() -> None:
            with suppress(Refusal, SQLAlchemyError):  # a full disk stops nobody from reading
                self.run(lambda tx: audit.note(tx, action, **what))

        answer.background = BackgroundTask(note)
        return answer

    def _just_read(self) -> Recognised | None:
        """What was read with the session serves the first transaction of the request; a later one reads it anew."""
        found: Recognised | None = getattr(self.request.state, "recognised", None)
        self.request.state.recognised = None
        return found

    def _fingerprint(self) -> tuple[str, bytes]:
        route = f"{self.request.method} {self.request.scope['path']}"
        return route, self.request.scope["state"].get("body", b"")


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


def needs_scope(scope: str) -> Guard:
    """Open to members, and to those API keys that have the scope."""

    @guard
    def check(visit: Annotated[Visit, Depends(signed_in)]) -> Visit:
        if not _in_scope(visit.actor, scope):
            message = {"en": f"This key lacks the scope {scope}", "zh": f"该密钥缺少权限范围 {scope}"}
            raise Refused(Problem(ROOT, "scope_missing", message))
        return visit

    return check


async def json_body(request: Request) -> dict[str, Any]:
    """The body, which must be a JSON object; read strictly, numbers exact."""
    body = request.scope["state"].get("json")
    if isinstance(body, dict):
        return body
    message = {"en": "Send a JSON object, with Content-Type application/json", "zh": "请发送 JSON 对象"}
    raise BadJson(Problem(ROOT, "object_expected", message))


async def checked_form(request: Request, visit: Annotated[Visit, Depends(anyone)]) -> FormData:
    """The fields of a page's form, which must carry the session's token (field or header `csrf`)."""
    form = await request.form(max_files=20, max_fields=1000, max_part_size=1_000_000)
    given = request.headers.get("x-csrf-token") or form.get("csrf")
    if visit.session is not None and given != visit.csrf:
        message = {"en": "This page is out of date; load it again", "zh": "页面已过期，请刷新后重试"}
        raise Refused(Problem(ROOT, "form_expired", message))
    request.state.form = form
    return form


async def elevated_form(
    visit: Annotated[Visit, Depends(anyone)], form: Annotated[FormData, Depends(checked_form)]
) -> FormData:
    """The fields of a form that acts on the installation; where the password is asked for first, they are kept."""
    require_elevated(must_be_session(visit), visit.services.clock())
    return form


SignedIn = Annotated[Visit, Depends(signed_in)]
SignedInPage = Annotated[Visit, Depends(signed_in_page)]
Anyone = Annotated[Visit, Depends(anyone)]
JsonBody = Annotated[dict[str, Any], Depends(json_body)]
CheckedForm = Annotated[FormData, Depends(checked_form)]
ElevatedForm = Annotated[FormData, Depends(elevated_form)]
Elevated = Annotated[Visit, Depends(elevated(signed_in))]
UserAdmin = Annotated[Visit, Depends(holds("user_admin"))]
ElevatedUserAdmin = Annotated[Visit, Depends(elevated(holds("user_admin")))]
Auditor = Annotated[Visit, Depends(holds("auditor", scope="see_audit"))]
AppAdmin = Annotated[Visit, Depends(holds("app_admin", scope="build"))]

__all__ = [
    "Answer",
    "Anyone",
    "AppAdmin",
    "Auditor",
    "CheckedForm",
    "Elevated",
    "ElevatedForm",
    "ElevatedUserAdmin",
    "JsonBody",
    "Refusal",
    "SignedIn",
    "SignedInPage",
    "UploadFile",
    "UserAdmin",
    "Visit",
]


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


def _said(form: FormData) -> bytes:
    """What a form says, files by what is in them: the boundaries of its parts differ each time it is sent."""
    told = [[name, _content(value)] for name, value in form.multi_items() if name not in OF_THE_PAGE]
    return json.dumps(told).encode()


def _content(value: UploadFile | str) -> str | list[str]:
    if isinstance(value, str):
        return value
    digest = hashlib.sha256()
    while part := value.file.read(PART_OF_A_FILE):
        digest.update(part)
    value.file.seek(0)
    return [value.filename or "", digest.hexdigest()]


def _in_scope(actor: Actor, scope: str) -> bool:
    return actor.scopes is None or scope in actor.scopes


def address_of(request: Request) -> str:
    """The address the request came from (the server has already looked through trusted proxies)."""
    return request.client.host if request.client else ""
