"""The forms of pages, sent as no page would: no accident, and nothing without the token of the session."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from runtime.server import all_routes
from tests.attacks.conftest import Install, Installation, fill
from tests.conftest import THOROUGH

LEFT_ALONE = {"/account/password", "/sign-out", "/account/sessions/end-others"}  # would end the visit itself
OPEN = {"/sign-in", "/sign-in/code", "/forgotten", "/password"}  # nobody is signed in there yet
TRIED = {"sqlite": 4, "postgresql": 1}  # values at each place, taken in turns; a thorough run puts all everywhere
HOSTILE = (
    *("", "\ud800", "//evil.example", "<script>alert(1)</script>", '{"forms": [{"name": 5}]}'),
    *("1", "9" * 30, "a\x00b", "x" * 20_000, "../../x", "{{7*7}}"),
)
NAMES = (
    *("key", "reason", "back", "name", "email", "role", "roles", "rights", "department", "parent", "head", "manager"),
    *("language", "time_zone", "code", "token", "password", "ticket", "confirm-password", "confirm-code", "next"),
    *("version", "document", "draft", "path", "comment", "target", "record_version", "active", "app", "owner"),
    *("follow_ups.1.content", "follow_ups..content", "follow_ups.1", "tags", "customer", "stage", "keep.name", "_key"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def attacked(request: pytest.FixtureRequest, install: Install) -> Installation:
    made = install(request.param)
    fill(made)
    return made


@pytest.mark.parametrize("who", ["sam", "ada"])
def test_no_form_is_an_accident(attacked: Installation, who: str) -> None:
    browser = attacked.browser(who)
    token = browser.get("/api/v1/me").json()["csrf"]
    wrong = []
    turns = itertools.cycle(HOSTILE)
    count = len(HOSTILE) if THOROUGH else TRIED[attacked.dialect]
    for place in _places(attacked):
        for value in itertools.islice(turns, count):
            answer = browser.post(place, data=_form(value, token), follow_redirects=False)
            if answer.status_code >= 500:
                wrong.append(f"{place} {value[:30]!r} {answer.status_code}")
            where = answer.headers.get("location", "/")
            if not re.match(r"/(?![/\\])", where):
                wrong.append(f"{place} {value[:30]!r} leads to {where}")
            if "<script>alert" in answer.text:
                wrong.append(f"{place} {value[:30]!r} is part of the page")
    assert not wrong, "\n".join(wrong[:40])


def test_no_form_counts_without_the_token_of_the_session(attacked: Installation) -> None:
    for place in _places(attacked):
        if place not in OPEN:
            for token in ("", "wrong", attacked.browser("zoe").get("/api/v1/me").json()["csrf"]):
                answer = attacked.browser("ada").post(place, data=_form("1", token), follow_redirects=False)
                assert answer.status_code in (403, 404), (place, answer.status_code)


def _form(value: str, token: str) -> Mapping[str, Any]:
    sent = value.encode("utf-8", "surrogatepass")
    return {**dict.fromkeys(NAMES, sent), "csrf": token}


def _places(made: Installation) -> Iterator[str]:
    """Every page that takes a form, with names and ids that lead somewhere and some that do not."""
    app = made.app
    known = {
        "app": ["crm", "nowhere"],
        "form": ["customer", "contract"],
        "id": [made.id("sam_customer"), made.id("sam_draft"), "999"],
        "flow": ["contract_approval"],
        "instance": [str(made.instances()[0]), "1"],
        "operation": ["approve", "nothing"],
        "rule": [next(iter(app.rules)).name, "nothing"],
        "member": [str(made.people["nobody"]), "1", "²"],
        "department": ["1", "²"],
        "key": ["1", "²"],
        "number": ["1", "²"],
    }
    for route in all_routes(made.site.router):
        if "POST" in (route.methods or ()) and not route.path.startswith("/api/") and route.path not in LEFT_ALONE:
            names = re.findall(r"{(\w+)(?::\w+)?}", route.path)
            for chosen in itertools.product(*(known[each] for each in names)):
                place = route.path
                for name, value in zip(names, chosen, strict=True):
                    place = re.sub(rf"{{{name}(:\w+)?}}", value, place)
                yield place
