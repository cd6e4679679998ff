"""Turns values into JSON answers, and finds out in which language somebody wants them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engines.actor import Actor
from runtime.db.engine import write_json
from runtime.idempotency import Answer

LANGUAGES = ("en", "zh")


class JsonResponse(Response):
    """JSON as this API writes it: numbers exact, moments in UTC with a Z."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return write_json(content).encode()


def as_response(answer: Answer) -> Response:
    """Give an answer its HTTP form."""
    if answer.status == 204:
        return Response(status_code=204, headers=dict(answer.headers))
    return JsonResponse(answer.body, answer.status, dict(answer.headers))


def language_of(request: Request, actor: Actor | None = None) -> str:
    """What this browser was switched to; else the member's language, or the first of ours that the browser asks for."""
    if (switched := request.cookies.get("language", "")) in LANGUAGES:
        return switched
    if actor is not None and actor.language in LANGUAGES:
        return actor.language
    for wanted in request.headers.get("accept-language", "").split(","):
        language = wanted.split(";")[0].strip().split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return str(request.app.state.services.settings.language)
