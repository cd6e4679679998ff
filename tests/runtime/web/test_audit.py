"""The audit trail is read by auditors only, masked like the records it tells of; that somebody read it is told."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from engines.actor import system
from runtime import audit, organisation
from runtime.db import tables
from runtime.organisation import departments, members
from runtime.services import Services
from runtime.transaction import Tx, run
from runtime.web.pages.admin.audit_words import ACTIONS
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import open_trading

SignIn = Callable[[str], dict[str, str]]
Hire = Callable[..., int]
AUDITOR = frozenset({"auditor"})


@pytest.fixture
def auditor(hire: Hire, sign_in: SignIn) -> int:
    number = hire("Vera", rights=AUDITOR)
    sign_in("Vera")
    return number


def test_only_auditors_read_it(client: TestClient, hire: Hire, sign_in: SignIn) -> None:
    hire("Root", rights=frozenset({"user_admin", "app_admin", "ops"}))
    sign_in("Root")

    assert client.get("/api/v1/audit").status_code == 403
    assert client.get("/admin/audit", headers={"accept": "text/html"}).status_code == 403


def test_the_newest_acts_come_first_and_reading_is_an_act(client: TestClient, auditor: int) -> None:
    client.get("/api/v1/audit?result=ok")
    items = client.get("/api/v1/audit").json()["items"]

    assert [each["action"] for each in items] == ["audit_viewed", "sign_in"]
    assert items[0]["detail"] == {"filters": {"result": "ok"}}
    assert items[0]["actor"] == {"id": str(auditor), "name": "Vera"}


def test_it_is_filtered_and_paged(
    client: TestClient, auditor: int, hire: Hire, services: Services, clock: MovedClock
) -> None:
    ada = hire("Ada")
    for number in range(5):
        run(services, system("test"), lambda tx, n=number: audit.note(tx, "draft_changed", kind="draft", object=n))
    first = client.get("/api/v1/audit?action=draft_changed&size=2").json()
    second = client.get(f"/api/v1/audit?action=draft_changed&size=4&before={first['next']}").json()

    assert [each["object"]["id"] for each in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
    assert second["next"] is None
    assert client.get(f"/api/v1/audit?actor={ada}").json()["items"] == []
    assert client.get("/api/v1/audit", params={"until": "2026-11-20T09:00:00Z"}).json()["items"] == []
    for wrong in ("size=0", "size=201", "since=yesterday", "since=2026-11-20T09:00:00", "actor=x", "sort=at"):
        assert client.get(f"/api/v1/audit?{wrong}").status_code == 422, wrong
    for edge in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
        assert client.get(f"/api/v1/audit?since={edge}&until={edge}").status_code in (200, 422), edge


def test_what_is_about_a_form_is_for_who_reads_the_form(
    client: TestClient, auditor: int, services: Services, clock: MovedClock
) -> None:
    trading = open_trading(services, clock)
    form = next(iter(trading.app.forms.values())).id
    detail = {"form": form, "note": "canary"}
    act = lambda tx: audit.note(tx, "overwritten", kind="record", object=77, app=trading.app.name, detail=detail)  # noqa: E731
    run(services, system("test"), act)

    hidden = client.get("/api/v1/audit?action=overwritten")
    assert hidden.json()["items"][0]["masked"] is True and hidden.json()["items"][0]["object"]["id"] is None
    assert "canary" not in hidden.text
    assert client.get("/api/v1/audit?object=77").json() == {"items": [], "next": None}  # nor is the id found by asking

    role = next(iter(trading.app.role_ids.values()))
    run(services, system("test"), lambda tx: organisation.grant_role(tx, trading.app.name, role, auditor))
    assert "canary" in client.get("/api/v1/audit?action=overwritten").text
    assert "canary" in client.get("/api/v1/audit?object=77").text


def test_five_wrong_tries_are_told_as_a_limit(client: TestClient, hire: Hire, services: Services) -> None:
    ada = hire("Ada")
    for _ in range(6):
        client.post("/api/v1/session", json={"email": "ada@example.com", "password": "wrong guess"})

    with services.database.read() as connection:
        hits = connection.execute(select(tables.audit).where(tables.audit.c.action == "limit_hit")).all()
    assert [hit.object_id for hit in hits] == [str(ada)]


def test_the_page_shows_the_acts_in_both_languages(client: TestClient, auditor: int) -> None:
    english = client.get("/admin/audit?action=sign_in&since=2026-11-20&until=x", headers={"accept": "text/html"})
    client.cookies.set("language", "zh")
    chinese = client.get("/admin/audit?before=9999999999999999", headers={"accept": "text/html"})

    assert "Signed in" in english.text and "Vera" in english.text
    assert "审计日志" in chinese.text
    for odd in ("since=0001-01-01", "until=9999-12-31", "actor=-1", "before=abc", "action=none"):
        assert client.get(f"/admin/audit?{odd}", headers={"accept": "text/html"}).status_code == 200, odd


def test_the_page_tells_particulars_in_words(
    client: TestClient, auditor: int, hire: Hire, services: Services, clock: MovedClock
) -> None:
    trading = open_trading(services, clock)
    ada, role = hire("Ada"), next(iter(trading.app.role_ids.values()))

    def acts(tx: Tx) -> None:
        sales = departments.add(tx, "Sales")
        members.change(tx, ada, department=sales, manager=auditor, rights=frozenset({"ops"}), active=False)
        members.grant_role(tx, trading.app.name, role, ada)
        audit.note(tx, "overwritten", kind="record", object=77, app="gone", detail={"odd": {"a": 1}, "at": "never"})

    run(services, system("test"), acts)
    client.cookies.set("language", "zh")
    chinese = client.get("/admin/audit", headers={"accept": "text/html"}).text

    for told in ("<dt>部门</dt><dd><del>—</del> → Sales", "<del>—</del> → Vera", "<del>—</del> → 运维", "→ 否", "a 1"):
        assert told in chinese, told
    assert f"<dd>{role}</dd>" not in chinese


def test_every_act_that_is_told_has_a_title() -> None:
    root = Path(__file__).parents[3]
    sources = [each.read_text() for folder in ("runtime", "builder_api") for each in (root / folder).rglob("*.py")]
    told = {name for text in sources for name in re.findall(r'(?:audit|entries)\.note\(\s*tx, "(\w+)"', text)}

    assert "sign_in" in told
    assert told - ACTIONS.keys() == set()


def test_a_download_is_told_without_the_name_of_the_file(
    client: TestClient, hire: Hire, sign_in: SignIn, services: Services, clock: MovedClock
) -> None:
    trading = open_trading(services, clock)
    ada = hire("Ada")
    role = next(iter(trading.app.role_ids.values()))
    run(services, system("test"), lambda tx: organisation.grant_role(tx, trading.app.name, role, ada))
    sign_in("Ada")
    kept = client.post(f"/api/v1/apps/{trading.app.name}/files", files={"file": ("canary.txt", b"words")}).json()
    assert client.get(f"/api/v1/files/{kept['id']}").content == b"words"
    assert client.get("/api/v1/files/77").status_code == 404

    with services.database.read() as connection:
        told = connection.execute(select(tables.audit).where(tables.audit.c.action == "file_downloaded")).one()
    assert (told.actor, told.object_id, told.detail["size"]) == (ada, kept["id"], 5)
    assert "canary" not in repr(told)
