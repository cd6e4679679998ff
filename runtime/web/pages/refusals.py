"""How a refusal looks in a browser: a whole page with a way out, or a few words in the shared dialog."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from runtime.web.answers import language_of
from runtime.web.pages.page import THEME_COOKIE
from runtime.web.rendering import render

router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Have refusals drawn for people."""
    app.state.render_problem = render_problem


def render_problem(request: Request, problem: dict[str, Any]) -> Response:
    """A problem as a fragment for htmx, as a page for a browser."""
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
