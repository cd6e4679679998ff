"""The gate every request passes: its id, its weight, its origin, its body, and the headers of its answer."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metadata.problems import ROOT, Problem, Refusal
from runtime.identity.tokens import hashed
from runtime.settings import Settings
from runtime.web.errors import problem_response, unexpected
from runtime.web.limits import Buckets, body_too_large, check_size
from runtime.web.metrics import Metrics
from runtime.web.strict_json import read_json

log = structlog.get_logger("fourfold.web")

SAFE = {"GET", "HEAD", "OPTIONS"}
SIGN_IN = ("/api/v1/session", "/api/v1/session/code")  # failures are limited there, successes never are (L58)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
PARSED_IN_PLACE = 50_000  # larger bodies are parsed in a thread, so that nobody else waits
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class CrossSite(Refusal):
    """Another web site's page sent this in the visitor's name."""

    status = 403
    code = "cross_site"
    title = {"en": "This request came from another site", "zh": "该请求来自其他网站"}


class WrongMediaType(Refusal):
    """A body of a kind that no route reads."""

    status = 415
    code = "unsupported_media_type"
    title = {"en": "Send JSON (application/json) or a form", "zh": "请发送 JSON(application/json)或表单"}


class Gate:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.callers = Buckets(settings.requests_per_second, settings.requests_burst)
        self.strangers = Buckets(settings.anonymous_per_second, settings.anonymous_burst)
        secure = {"Strict-Transport-Security": "max-age=31536000"} if settings.is_secure else {}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in (HEADERS | secure).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.id = _request_id(request)
        answer = _Answer(send, self.headers, request.state.id)
        started = time.perf_counter()
        try:
            await self.app(scope, await self._let_in(request), answer.send)
        except Refusal as refusal:
            await problem_response(request, refusal)(scope, receive, answer.send)
        except Exception as error:
            if answer.status:
                raise
            await unexpected(request, error)(scope, receive, answer.send)
        finally:
            self._note(request, answer.status, time.perf_counter() - started)

    async def _let_in(self, request: Request) -> Receive:
        """Look at everything that can be judged before a route is chosen; give the body to read on."""
        scope = request.scope
        check_size(scope.get("raw_path") or b"", scope["query_string"], scope["headers"])
        _refuse_broken_address(scope)
        self._limit_rate(request)
        if request.method in SAFE:
            return request.receive
        self._refuse_cross_site(request)
        return await self._read_body(request)

    def _limit_rate(self, request: Request) -> None:
        path = request.scope["path"]
        if path.startswith("/static/") or path in ("/healthz", "/readyz", "/metrics"):
            return
        if credential := request.headers.get("authorization") or _cookie(request):
            self.callers.take(hashed(credential))
        elif path.startswith(("/api/", "/public", "/hooks")) and path not in SIGN_IN:
            self.strangers.take(request.client.host if request.client else "")

    def _refuse_cross_site(self, request: Request) -> None:
        """Browsers say where a request comes from; only our own pages may change anything in a visitor's name."""
        if "authorization" in request.headers or request.scope["path"].startswith(("/public", "/hooks")):
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            raise CrossSite()
        if site is None and origin is not None:
            ours = {request.headers.get("host", ""), urlsplit(self.settings.address).netloc}
            if _host_of(origin) not in ours:
                raise CrossSite()

    async def _read_body(self, request: Request) -> Receive:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_form = kind in FORMS
        maximum = self.settings.file_limit + 1_000_000 if is_form else self.settings.body_limit
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:12]) > maximum:
            raise body_too_large(maximum)
        counted = _counted(request.receive, maximum)
        if is_form:
            return counted
        body = await _whole(counted)
        if body and (kind != "application/json" or "content-encoding" in request.headers):
            raise WrongMediaType()
        if body:
            large = len(body) > PARSED_IN_PLACE
            request.state.json = await to_thread.run_sync(read_json, body) if large else read_json(body)
        request.state.body = body
        return _again(body, request.receive)

    def _note(self, request: Request, status: int, seconds: float) -> None:
        route = getattr(request.scope.get("route"), "path", "other")
        self.metrics.request(request.method, route, status, seconds)
        if status >= 500 or seconds > 2:
            log.warning("slow" if status < 500 else "failed", request=request.state.id, status=status, route=route)


class _Answer:
    """Sends what the app answers, with our headers added."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], request_id: str) -> None:
        self._send, self._headers, self._request_id = send, headers, request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name.lower() for name, _ in message["headers"]}
            added = [each for each in self._headers if each[0] not in given]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self._request_id.encode())]
        await self._send(message)


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _host_of(origin: str) -> str | None:
    """The host that an origin names; none where it is no origin at all."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _cookie(request: Request) -> str | None:
    return request.cookies.get("__Host-fourfold") or request.cookies.get("fourfold")


def _refuse_broken_address(scope: Scope) -> None:
    """A NUL or broken UTF-8 in the address belongs in no database and no page."""
    raw = (scope.get("raw_path") or b"").lower() + b"?" + scope["query_string"].lower()
    if b"%00" in raw or b"\x00" in raw or "\ufffd" in scope["path"]:
        message = {"en": "The address holds characters that do not exist", "zh": "网址包含无效字符"}
        raise Refusal(Problem(ROOT, "broken_text", message))


def _counted(receive: Receive, maximum: int) -> Receive:
    """Read on, but no further than allowed, whatever the length was said to be."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > maximum:
            raise body_too_large(maximum)
        return message

    return counting


async def _whole(receive: Callable[[], Awaitable[Any]]) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Let the route read the body once more; after it only the end of the connection is news."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
