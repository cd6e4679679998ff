"""A browser at a running server: the CRM with a few people and records, every screen watched for errors."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ISLANDS = ("form", "menu", "combobox", "subform", "date-box", "todo", "chart")
WAITING = ", ".join(f"ff-{name}:not([data-ready])" for name in ISLANDS)
DECIDERS = {"sales_director": "赵敏", "legal": "方律", "general_manager": "龚明华", "finance": "蔡文"}
PASSWORD = "a long enough password 1"
DESKTOP, PHONE = 1440, 390

COUNT_REQUESTS = """
window.waitedFor = 0;
const over = () => requestAnimationFrame(() => setTimeout(() => window.waitedFor--));
const fetched = window.fetch, sent = XMLHttpRequest.prototype.send;
window.fetch = (...asked) => { window.waitedFor++; return fetched(...asked).finally(over); };
XMLHttpRequest.prototype.send = function (...body) {
  window.waitedFor++;
  this.addEventListener("loadend", over);
  return sent.apply(this, body);
};
"""  # an answer counts as come when the page has had time to draw it
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests need a browser and the vendored files; where either is missing they are skipped."""
    vendored = (ROOT / "templates" / "static" / "vendor" / "htmx.js").exists()
    reason = "Chromium is not installed" if CHROMIUM is None else "the front-end files are not vendored"
    if CHROMIUM is None or not vendored:
        for item in items:
            if "tests/browser" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Site:
    """A running server: its address, its services, and the ids of the people who can sign in."""

    address: str
    services: Any
    people: dict[str, int]

    def save(self, person: str, form: str, values: dict[str, Any], app: str = "crm") -> int:
        """Create a record as somebody, by the same door as everybody."""
        from runtime import records

        with self.acting(person) as tx:
            return int(records.save(tx, self.services.apps.live(tx, app), form, None, values).id)

    @contextmanager
    def acting(self, person: str) -> Iterator[Any]:
        """A transaction of somebody, beside the browser."""
        from runtime import identity, transaction

        with transaction.read(self.services, identity.NOBODY) as tx:
            actor = identity.actor_of(tx.organisation, self.people[person])
        with transaction.begin(self.services, actor) as tx:
            yield tx


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all browser tests, on SQLite."""
    import uvicorn

    from runtime.db.migrate import migrate
    from runtime.server import create_app
    from runtime.services import open_services
    from runtime.settings import Settings

    folder = tmp_path_factory.mktemp("site")
    settings = Settings(
        data_dir=folder, language="en", time_zone="Asia/Shanghai", requests_per_second=1000, requests_burst=5000
    )
    services = open_services(settings)
    migrate(services.database)
    people = _prepare(services)
    port = _free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(settings, services), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}", services, people)
    server.should_exit = True
    thread.join(timeout=10)


def _prepare(services: Any) -> dict[str, int]:
    from builder_api import publish
    from engines.actor import system
    from runtime import organisation, transaction
    from runtime.organisation import members

    for name in ("crm", "leave"):
        document = json.loads((ROOT / "examples" / f"{name}_app.json").read_text())
        publish.import_document(services, document)
    with transaction.begin(services, system("browser tests")) as tx:
        sales = organisation.add_department(tx, "销售部")
        admin = organisation.add_member(
            tx, "周莉", "li@example.com", language="zh", department=sales, rights=frozenset({"user_admin", "app_admin"})
        )
        seller = organisation.add_member(
            tx, "王海涛", "tao@example.com", language="zh", department=sales, manager=admin
        )
        members.set_password(tx, admin, PASSWORD)
        members.set_password(tx, seller, PASSWORD)
        for app in ("crm", "leave"):
            compiled = services.apps.live(tx, app)
            for role in compiled.role_ids.values():
                organisation.grant_role(tx, app, role, admin)
        crm = services.apps.live(tx, "crm")
        organisation.grant_role(tx, "crm", crm.role_ids["seller"], seller)
        people = {"admin": admin, "seller": seller}
        for role, name in DECIDERS.items():
            people[role] = organisation.add_member(tx, name, f"{role}@example.com", language="zh", department=sales)
            organisation.grant_role(tx, "crm", crm.role_ids[role], people[role])
    return people


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Screen:
    """A page in a browser, and everything that went wrong on it."""

    page: Any
    site: Site
    width: int
    errors: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.site.address + path)
        self.settled()

    def settled(self) -> None:
        """Wait until the page is loaded, every island has started and no answer is on its way."""
        self.page.wait_for_load_state("load")
        for _ in range(1500):
            if self.page.evaluate(f"!document.querySelector('{WAITING}') && !window.waitedFor"):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("an island did not start, or an answer did not come")

    def require_calm(self) -> None:
        """No console error, no violation of the content policy, no sideways scrolling."""
        assert self.errors == []
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"the page is {wide} px wide on a screen of {self.width} px"

    def require_accessible(self) -> None:
        """What axe finds automatically: WCAG 2.1 A and AA."""
        if not AXE.exists():
            return
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}).then(r => "
            "r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))"
        )
        assert found == []


Opener = Callable[..., Screen]


@pytest.fixture
def screen(browser: Any, site: Site) -> Iterator[Opener]:
    """Open a screen as somebody: screen("seller", width=390, language="zh", theme="dark")."""
    contexts = []

    def opened(
        person: str | None = "admin", width: int = DESKTOP, language: str = "en", theme: str = "light"
    ) -> Screen:
        height = 900 if width == DESKTOP else 844
        context = browser.new_context(viewport={"width": width, "height": height}, is_mobile=width == PHONE)
        contexts.append(context)
        choices = {"language": language, "theme": theme}
        context.add_cookies([{"name": name, "value": value, "url": site.address} for name, value in choices.items()])
        if person is not None:
            context.add_cookies([{"name": "fourfold", "value": _session(site, person), "url": site.address}])
        context.add_init_script(COUNT_REQUESTS)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a machine that runs tests may be slow; nothing here times a page
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return Screen(page, site, width, errors)

    yield opened
    for context in contexts:
        context.close()


def _session(site: Site, person: str) -> str:
    from runtime import identity, transaction
    from runtime.identity import sessions

    with transaction.begin(site.services, identity.NOBODY) as tx:
        return sessions.open_session(tx, site.people[person], "127.0.0.1", "browser test", remember=False).token
