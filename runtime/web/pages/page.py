"""One page for one person: his language and theme, the menu around it, and the answers that pages give."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from engines.actor import Actor
from engines.compiled import CompiledApp
from metadata.problems import Problem, Refusal
from metadata.text import Text, say
from runtime.services import Services
from runtime.transaction import Tx
from runtime.web.deps import Anyone, SignedInPage
from runtime.web.pages.navigation import Menu, menu_of
from runtime.web.rendering import render
from runtime.web.visit import Visit
from runtime.web.wording import translations

LANGUAGE_COOKIE, THEME_COOKIE, FLASH_COOKIE = "language", "theme", "flash"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Page:
    """The visit of a person in a browser, with how he wants his pages."""

    visit: Visit
    language: str
    theme: str

    @property
    def request(self) -> Request:
        return self.visit.request

    @property
    def services(self) -> Services:
        return self.visit.services

    @property
    def actor(self) -> Actor:
        return self.visit.actor

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asked for a region and not for the whole page."""
        return self.request.headers.get("hx-request-type") == "partial"

    @property
    def is_htmx(self) -> bool:
        return "hx-request" in self.request.headers

    def say(self, text: Text | None) -> str:
        """A text of a definition or of a problem, in the reader's language."""
        return say(text, self.language)

    def word(self, text: str, **values: Any) -> str:
        """A word of the pages, in the reader's language."""
        translated = translations(self.language).gettext(text)
        return translated % values if values else translated

    def clock(self, app: CompiledApp) -> ZoneInfo:
        """The time zone in which this person reads and writes moments; what the app decides goes by its own."""
        return ZoneInfo(self.actor.time_zone) if self.actor.time_zone else app.zone

    def show(self, tx: Tx, template: str, status: int = 200, **context: Any) -> Response:
        """A whole page with the menu around it."""
        return self._answer(template, {**self.shell(tx), **context}, status)

    def bare(self, template: str, status: int = 200, **context: Any) -> Response:
        """A whole page for nobody in particular."""
        return self._answer(template, {**self._frame(), **context}, status)

    def fragment(self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any):
        """One region of a page."""
        answer = HTMLResponse(render(template, self.language, {**self._frame(), **context}), status)
        answer.headers.update(headers or {})
        return answer

    def shell(self, tx: Tx) -> dict[str, Any]:
        """What the layout draws: the menu, the tabs of the phone, the person."""
        menu: Menu = menu_of(tx, self.language, self.request)
        return {
            **self._frame(),
            "user": self.actor,
            "navigation": menu.groups,
            "tabs": menu.tabs,
            "unread": menu.unread,
        }

    def go(self, path: str, said: str = "") -> Response:
        """Go on to another page, and say there what was done."""
        answer: Response = (
            Response(status_code=200, headers={"HX-Redirect": path}) if self.is_htmx else RedirectResponse(path, 303)
        )
        if said:
            answer.set_cookie(FLASH_COOKIE, quote(said), max_age=60, httponly=True, samesite="lax")
        return answer

    def problems(self, refusal: Refusal) -> list[dict[str, str]]:
        """The problems of a refusal as the error summary draws them, linked to controls of the same name."""
        return [self._problem(each) for each in refusal.problems] or [{"message": self.say(refusal.detail)}]

    def _problem(self, problem: Problem) -> dict[str, str]:
        anchor = "-".join(str(part) for part in problem.path.parts)
        return {"message": self.say(problem.message), "hint": self.say(problem.hint), "anchor": anchor}

    def _frame(self) -> dict[str, Any]:
        here = self.request.url.path
        if self.request.url.query and self.request.method == "GET":
            here += f"?{self.request.url.query}"
        back = quote(here if self.request.method == "GET" else "/", safe="")
        other = "en" if self.language == "zh" else "zh"
        flash = self.request.cookies.get(FLASH_COOKIE)
        return {
            "theme": self.theme,
            "csrf": self.visit.csrf,
            "form_key": secrets.token_urlsafe(16),
            "switch_language": f"/language/{other}?next={back}",
            "switch_theme": f"/theme/{'light' if self.theme == 'dark' else 'dark'}?next={back}",
            "flashes": [_unquoted(flash)] if flash else [],
        }

    def _answer(self, template: str, context: Mapping[str, Any], status: int) -> Response:
        answer = HTMLResponse(render(template, self.language, context), status)
        if context.get("flashes"):
            answer.delete_cookie(FLASH_COOKIE)
        return answer


def page_of(visit: Visit) -> Page:
    """The page of a visit, in the language that the visit is answered in."""
    language = visit.language
    visit = replace(visit, actor=replace(visit.actor, language=language))
    theme = visit.request.cookies.get(THEME_COOKIE, "")
    return Page(visit, language, theme if theme in THEMES else "light")


def _signed_in(visit: SignedInPage) -> Page:
    return page_of(visit)


def _open(visit: Anyone) -> Page:
    return page_of(visit)


SignedInOnly = Annotated[Page, Depends(_signed_in)]
OpenToAll = Annotated[Page, Depends(_open)]


def safe_path(path: str | None) -> str:
    """A path of our own to go on to; anything that could lead elsewhere becomes the home page."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or "\n" in path or "\r" in path:
        return "/"
    return path


def _unquoted(text: str) -> str:
    return unquote(text)[:300]
