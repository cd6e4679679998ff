"""Switching the language and the theme: a cookie of this browser, for strangers too."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from runtime.web.answers import LANGUAGES
from runtime.web.pages.page import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, OpenToAll, safe_path

router = APIRouter(include_in_schema=False)

A_YEAR = 365 * 24 * 3600


@router.get("/language/{language}")
def choose_language(page: OpenToAll, language: str, next: str = "/") -> Response:
    return _kept(LANGUAGE_COOKIE, language if language in LANGUAGES else LANGUAGES[0], next)


@router.get("/theme/{theme}")
def choose_theme(page: OpenToAll, theme: str, next: str = "/") -> Response:
    return _kept(THEME_COOKIE, theme if theme in THEMES else THEMES[0], next)


def _kept(cookie: str, value: str, next: str) -> Response:
    answer = RedirectResponse(safe_path(next), 303)
    answer.set_cookie(cookie, value, max_age=A_YEAR, samesite="lax")
    return answer
