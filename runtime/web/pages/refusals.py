"""How a refusal looks in a browser: a whole page with a way out, or a few words in the shared dialog."""

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from runtime.identity.sessions import ElevationRequired
from runtime.web.answers import language_of
from runtime.web.guards import recognise
from runtime.web.pages.account.sign_in import ask_again
from runtime.web.pages.page import THEME_COOKIE, page_of, safe_path
from runtime.web.rendering import render

router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Have refusals drawn for people."""
    app.state.render_problem = render_problem


def render_problem(request: Request, problem: dict[str, Any]) -> Response:
    """A problem as a fragment for htmx, as a page for a browser; where the password is missing, the page that asks."""
    if problem["code"] == ElevationRequired.code:
        return _ask_who_it_is(request)
    language = language_of(request, getattr(request.state, "actor", None))
    status = int(problem["status"])
    context = {
        "title": problem["title"],
        "status": status,
        "problems": problem["errors"] or [{"message": problem["detail"]}],
        "theme": "dark" if request.cookies.get(THEME_COOKIE) == "dark" else "light",
        "switch_language": f"/language/{'en' if language == 'zh' else 'zh'}?next=/",
        "switch_theme": "/theme/light?next=/",
        "reference": problem["request_id"] if status >= 500 else "",
    }
    if "hx-request" not in request.headers:
        return HTMLResponse(render("pages/refused.html", language, context), status)
    answer = HTMLResponse(render("partials/refused.html", language, context), status)
    answer.headers.update({"HX-Retarget": "#dialog", "HX-Reswap": "innerHTML"})
    return answer


def _ask_who_it_is(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if "hx-request" in request.headers:
        here = urlsplit(request.headers.get("hx-current-url", "/")).path
        return Response(status_code=200, headers={"HX-Redirect": f"/confirm?next={quote(safe_path(here), safe='')}"})
    return ask_again(page_of(recognise(request)), here, getattr(request.state, "form", None))
