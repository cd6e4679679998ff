"""What is told of an act beyond who, what and when, as lines in words; a change as before and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engines.compiled import CompiledApp
from engines.json_values import id_in
from metadata.problems import NotFound
from metadata.text import say
from runtime.db.engine import write_json
from runtime.rules import pausing
from runtime.transaction import Tx
from runtime.web.formats import file_size, minute
from runtime.web.pages.admin.audit_words import PARTICULARS, VALUES
from runtime.web.pages.admin.members import RIGHT_TITLES
from runtime.web.pages.page import Page

NOTHING = "—"


@dataclass(frozen=True)
class Particular:
    """One line; `before` is there where something was changed."""

    label: str
    text: str
    before: str | None = None


@dataclass(frozen=True)
class Teller:
    """One who knows how the things of an act are called by its reader."""

    page: Page
    tx: Tx
    zone: ZoneInfo
    app: str | None

    def lines(self, detail: Mapping[str, Any]) -> list[Particular]:
        """What was changed, each with how it was before; then all the rest, as it is filed."""
        before, after = detail.get("before"), detail.get("after")
        if not (isinstance(before, dict) and isinstance(after, dict)):
            return [
                Particular(self._label(name), text)
                for name, value in detail.items()
                if (text := self._told(name, value))
            ]
        changed = [Particular(self._label(name), *self._both(name, before, after)) for name in after]
        rest = {name: value for name, value in detail.items() if name not in ("before", "after")}
        return [each for each in changed if each.text != each.before] + self.lines(rest)

    def about(self, kind: str | None, id: str | None) -> str:
        """How the object is called, where it has a name that everybody knows; else what it is filed under."""
        if kind == "rule" and self.app and id:
            return self.page.say(pausing.title_of(self.tx.services, self.tx.connection, self.app, id))
        if kind in ("app", "draft") and id:
            return self._app_title(id)
        if kind == "report" and id:
            return self._report(id)
        return self._name(kind or "", id) or id or ""

    def _both(self, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
        return self._text(name, after[name]), self._text(name, before.get(name))

    def _told(self, name: str, value: Any) -> str:
        """A value in words; nothing where there is nothing to tell."""
        if isinstance(value, dict) and name == "rows":
            return self._semicolon.join(f"{self._report(report)} {count}" for report, count in value.items())
        text = self._text(name, value)
        return "" if text == NOTHING else text

    def _label(self, name: str) -> str:
        return self.page.say(PARTICULARS.get(name, name))

    def _text(self, name: str, value: Any) -> str:
        """One value in words; what nobody has words for stays as it is filed."""
        if value is None or value == "" or value == [] or value == {}:
            return NOTHING
        if isinstance(value, bool):
            return self.page.word("Yes") if value else self.page.word("No")
        if isinstance(value, list):
            return self._comma.join(sorted(self._text(name, each) for each in value))
        if isinstance(value, dict):
            return self._semicolon.join(f"{self._label(key)} {self._text(key, each)}" for key, each in value.items())
        known = VALUES.get(name, {}).get(value) if isinstance(value, str) else None
        return self.page.say(known) if known else self._called(name, value)

    def _called(self, name: str, value: Any) -> str:
        ways: dict[str, Callable[[Any], str]] = {
            "rights": lambda each: self.page.say(RIGHT_TITLES.get(each, each)),
            "role": self._role,
            "form": self._form,
            "app": self._app_title,
            "at": self._moment,
            "since": self._moment,
            "until": self._moment,
        }
        if name in ways and isinstance(value, str):
            return ways[name](value)
        if name in ("size", "bytes") and isinstance(value, int):
            return file_size(value)
        return self._name(name, value) or (value if isinstance(value, str) else write_json(value))

    def _name(self, kind: str, id: Any) -> str:
        people, departments = self.tx.organisation.people, self.tx.organisation.departments
        known: Mapping[int, Any] = {
            "member": people,
            "manager": people,
            "head": people,
            "actor": people,
            "department": departments,
            "parent": departments,
        }.get(kind, {})
        found = known.get(id_in(str(id)) or 0)
        return found.name if found is not None else ""

    def _role(self, id: str) -> str:
        app = self._live()
        return next((self.page.say(each.caption) for each in app.definition.roles if each.key == id), id) if app else id

    def _form(self, name: str) -> str:
        app = self._live()
        found = next((each for each in app.forms.values() if name in (each.id, each.name)), None) if app else None
        return self.page.say(found.title) if found else name

    def _report(self, name: str) -> str:
        app = self._live()
        found = next((each for each in app.definition.reports if each.name == name), None) if app else None
        return self.page.say(found.caption) if found else name

    def _app_title(self, name: str) -> str:
        app = self._live(name)
        return self.page.say(app.title) if app else name

    def _live(self, name: str | None = None) -> CompiledApp | None:
        try:
            return self.tx.services.apps.live(self.tx, name or self.app or "")
        except NotFound:
            return None

    def _moment(self, text: str) -> str:
        try:
            return minute(datetime.fromisoformat(text).astimezone(self.zone))
        except ValueError:
            return text

    @property
    def _comma(self) -> str:
        return say({"en": ", ", "zh": "、"}, self.page.language)

    @property
    def _semicolon(self) -> str:
        return say({"en": "; ", "zh": "；"}, self.page.language)
