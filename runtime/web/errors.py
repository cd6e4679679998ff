"""Every refusal and every accident as problem+json (or as a page), with a stable code and a request id."""

import sqlite3
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import exc
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from metadata.problems import ROOT, Conflict, Invalid, LimitExceeded, NotFound, Path, Problem, Refusal, Refused
from metadata.shape_problems import value_problem
from metadata.text import Text, say
from runtime.identity import NotSignedIn
from runtime.web.answers import JsonResponse, language_of

log = structlog.get_logger("fourfold.web")

WORDS: dict[str, tuple[str, Text]] = {
    "missing": ("missing_key", {"en": "This is required", "zh": "此项必填"}),
    "extra_forbidden": ("unknown_key", {"en": "There is no such key", "zh": "不存在该键"}),
    "json_invalid": ("bad_json", {"en": "The body is not valid JSON", "zh": "请求内容不是有效的 JSON"}),
}
NOT_SO: Text = {"en": "This is not what belongs here", "zh": "此处的内容不正确"}


class Unavailable(Refusal):
    """The database cannot be reached at the moment."""

    status = 503
    code = "database_unavailable"
    title = {"en": "The database cannot be reached; try again soon", "zh": "数据库暂时无法连接，请稍后重试"}
    retry_after = 5


class StorageFull(Refusal):
    """There is no room left on the disk; nothing was saved."""

    status = 507
    code = "storage_full"
    title = {"en": "The disk is full; nothing was saved", "zh": "磁盘空间已满，未保存任何内容"}


class Unexpected(Refusal):
    """A mistake of ours; says nothing but where to find it in the log."""

    status = 500
    code = "unexpected"
    title = {"en": "Something went wrong on our side", "zh": "服务器内部错误"}


class BadForm(Refusal):
    """The body is not the form it claims to be."""

    status = 400
    code = "bad_form"
    title = {"en": "The form cannot be read", "zh": "无法读取提交的表单"}


class WrongMethod(Refusal):
    """The address is right, the verb is not."""

    status = 405
    code = "method_not_allowed"
    title = {"en": "This address does not answer that method", "zh": "该地址不支持此方法"}


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(exc.SQLAlchemyError, database_error)


async def refused(request: Request, error: Any) -> Response:
    return problem_response(request, error)


async def malformed(request: Request, error: Any) -> Response:
    """A body, query or path that does not have the shape a route asks for."""
    return problem_response(request, Invalid(*map(_problem, error.errors()[:50]), code="invalid"))


def _problem(line: Any) -> Problem:
    """What FastAPI says about one value, in our words."""
    place = _place(line["loc"])
    if line["type"] in WORDS:
        return Problem(place, *WORDS[line["type"]])
    return value_problem(place, line) or Problem(place, "bad_value", NOT_SO)


async def http_error(request: Request, error: Any) -> Response:
    if isinstance(error.detail, Refusal):
        return problem_response(request, error.detail)
    known: dict[int, type[Refusal]] = {401: NotSignedIn, 403: Refused, 404: NotFound, 405: WrongMethod, 409: Conflict}
    refusal = known[error.status_code]() if error.status_code in known else _other(error)
    refusal.status = error.status_code
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else dict(error.headers or {})
    return problem_response(request, refusal, headers)


def _allowed(request: Request) -> str:
    """Every method that the address answers; the framework would name those of its first route only."""
    here = (route for route in request.app.routes if isinstance(route, Route) and _leads_to(route, request))
    return ", ".join(sorted({method for route in here for method in route.methods or ()}))


def _leads_to(route: Route, request: Request) -> bool:
    return route.path_regex.match(request.scope["path"]) is not None


def _other(error: HTTPException) -> Refusal:
    if error.status_code == 400:  # nothing but the reading of forms says so
        message = {
            "en": "The form is broken, or has too many or too large parts",
            "zh": "表单已损坏，或包含过多、过大的部分",
        }
        return BadForm(Problem(ROOT, "bad_form", message))
    if error.status_code == 413:
        message = {"en": "The body is larger than allowed", "zh": "请求内容超过大小限制"}
        return LimitExceeded(Problem(ROOT, "too_large", message), status=413)
    return Refusal(Problem(ROOT, f"http_{error.status_code}", str(error.detail)))


async def database_error(request: Request, error: Any) -> Response:
    """Tell a full disk, a lost database, a lost race and data no column takes apart; the rest is a mistake of ours."""
    return problem_response(request, _meaning(request, error))


def unexpected(request: Request, error: Exception) -> Response:
    """Answer a mistake of ours: the details go to the log, the request id to the user."""
    log.error("unexpected", request=request.state.id, path=request.url.path, exc_info=error)
    return problem_response(request, Unexpected())


def _meaning(request: Request, error: exc.SQLAlchemyError) -> Refusal:
    original = getattr(error, "orig", None)
    state = getattr(original, "sqlstate", None) or ""
    name = getattr(original, "sqlite_errorname", None) or ""
    if name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE") or state == "53100":
        return StorageFull()
    if state in ("40001", "40P01"):
        return Conflict(Problem(ROOT, "retry", {"en": "Somebody was faster; try again", "zh": "有人抢先一步，请重试"}))
    if isinstance(error, exc.IntegrityError):
        log.warning("integrity", request=request.state.id, error=str(original))
        text = {"en": "This contradicts what is stored already", "zh": "与已有数据冲突"}
        return Conflict(Problem(ROOT, "contradiction", text))
    if isinstance(error, exc.DataError) or isinstance(original, OverflowError):
        return Invalid(Problem(ROOT, "out_of_range", {"en": "A value is out of range", "zh": "数值超出范围"}))
    if _is_lost(error, original, state):
        log.warning("database_unavailable", request=request.state.id, error=str(original))
        return Unavailable()
    log.error("database", request=request.state.id, exc_info=error)
    return Unexpected()


def _is_lost(error: exc.SQLAlchemyError, original: Any, state: str) -> bool:
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorname", "") in ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY")
    lost = isinstance(error, exc.OperationalError | exc.InterfaceError)
    return lost and (not state or state[:2] in ("08", "57", "53")) or getattr(error, "connection_invalidated", False)


def problem_response(request: Request, refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    """Give a refusal its HTTP form, in the language of who asked."""
    if isinstance(refusal, NotSignedIn) and wants_page(request):
        return _to_sign_in(request)
    problem = problem_of(refusal, language(request), getattr(request.state, "id", ""))
    render = getattr(request.app.state, "render_problem", None)
    if render is not None and wants_page(request):
        response: Response = render(request, problem)
    else:
        response = JsonResponse(problem, refusal.status, media_type="application/problem+json")
    response.headers.update({**(headers or {}), **getattr(refusal, "headers", {})})
    if retry_after := getattr(refusal, "retry_after", None):
        response.headers["Retry-After"] = str(retry_after)
    if refusal.status == 401 and not wants_page(request):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def problem_of(refusal: Refusal, language: str, request_id: str) -> dict[str, Any]:
    """The members of problem+json."""
    problem = {
        "type": f"urn:fourfold:problem:{refusal.code}",
        "code": refusal.code,
        "title": say(refusal.title, language),
        "status": refusal.status,
        "detail": say(refusal.detail, language),
        "errors": [problem.as_json(language) for problem in refusal.problems],
        "request_id": request_id,
    }
    return {**refusal.extra, **problem}


def language(request: Request) -> str:
    return getattr(request.state, "language", None) or language_of(request)


def wants_page(request: Request) -> bool:
    """Whether a browser shows the answer to a person."""
    if request.url.path.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/hooks")):
        return False
    return "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")


def _to_sign_in(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=200, headers={"HX-Redirect": "/sign-in"})
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    from urllib.parse import quote

    way = "/sign-in" if back == "/" or request.method != "GET" else f"/sign-in?next={quote(back, safe='')}"
    return RedirectResponse(way, 303)


def _place(loc: tuple[Any, ...]) -> Path:
    return Path(tuple(part for part in loc[1:] if isinstance(part, str | int)))
