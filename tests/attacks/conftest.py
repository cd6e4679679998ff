"""An installation worth attacking: the sales example with ten people and a canary in every value that is protected."""

import json
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from engines.compiled import CompiledApp
from runtime import jobs, organisation, transaction
from runtime.db import tables
from runtime.db.engine import open_database
from runtime.identity import passwords
from runtime.jobs import JobKind
from runtime.jobs.kinds import JOB_KINDS
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from tests.conftest import DIALECTS, NOW, in_a_hurry
from tests.postgres import PostgresServer

PASSWORD = "correct horse battery staple"
HOST = "http://127.0.0.1:8000"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "crm_app.json"
ROLES = {
    "sam": ["seller"],
    "zoe": ["seller"],
    "mona": ["sales_manager"],
    "dora": ["sales_director"],
    "lena": ["legal"],
    "gina": ["general_manager"],
    "fred": ["finance"],
    "sol": ["solution_engineer"],
    "nobody": [],
    "ada": [],
}


@dataclass
class Installation:
    """The example, alive, and everybody at a browser of his own."""

    services: Services
    site: Any
    dialect: str
    people: dict[str, int] = field(default_factory=dict)
    records: dict[str, tuple[str, int]] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    canaries: dict[str, str] = field(default_factory=dict)  # the text -> what it stands in: alias.field
    browsers: dict[str, TestClient] = field(default_factory=dict)

    @property
    def app(self) -> CompiledApp:
        with self.services.database.read() as connection:
            return self.services.apps.live(connection, "crm")

    def stranger(self) -> TestClient:
        return TestClient(self.site, base_url=HOST, raise_server_exceptions=False)

    def browser(self, name: str) -> TestClient:
        """The browser at which somebody has signed in."""
        if name not in self.browsers:
            self.browsers[name] = self.stranger()
            told = {"email": f"{name}@example.com", "password": PASSWORD}
            answer = self.browsers[name].post("/api/v1/session", json=told)
            assert answer.status_code == 201, answer.text
        return self.browsers[name]

    def canary(self, alias: str, name: str) -> str:
        """A text that occurs nowhere else."""
        text = f"CNRY{len(self.canaries) + 100}Q"
        self.canaries[text] = f"{alias}.{name}"
        return text

    def amount(self, alias: str, name: str) -> int:
        """An amount that occurs nowhere else; it is looked for without what separates its thousands."""
        number = 73_190_001 + 1_111 * (len(self.canaries) + 1)
        self.canaries[str(number)] = f"{alias}.{name}"
        return number

    def create(self, who: str, alias: str, form: str, /, **values: Any) -> int:
        answer = self.browser(who).post(self.place(form), json={"values": values})
        assert answer.status_code == 201, answer.text
        self.records[alias] = (form, int(answer.json()["id"]))
        return int(answer.json()["id"])

    def change(self, who: str, alias: str, /, **values: Any) -> None:
        form, id = self.records[alias]
        seen = self.browser(who).get(f"{self.place(form)}/{id}").json()
        body = {"values": values, "version": seen["version"]}
        answer = self.browser(who).patch(f"{self.place(form)}/{id}", json=body)
        assert answer.status_code == 200, answer.text

    def instances(self) -> list[int]:
        """The flow instances there are."""
        with self.services.database.read() as connection:
            return list(connection.scalars(sa.select(tables.flow_instance.c.id)))

    def place(self, form: str) -> str:
        return f"/api/v1/apps/crm/forms/{form}/records"

    def id(self, alias: str) -> str:
        return str(self.records[alias][1])

    def submit(self, who: str, alias: str, flow: str = "contract_approval") -> None:
        answer = self.browser(who).post(f"/api/v1/apps/crm/flows/{flow}/instances", json={"record": self.id(alias)})
        assert answer.status_code == 201, answer.text

    def task_of(self, who: str, alias: str) -> dict[str, Any]:
        found = self.browser(who).get("/api/v1/tasks").json()["items"]
        return next(each for each in found if each["record"] == self.id(alias))

    def approve(self, who: str, alias: str, **more: Any) -> None:
        task = self.task_of(who, alias)
        body = {"version": task["version"], **more}
        answer = self.browser(who).post(f"/api/v1/tasks/{task['id']}/approve", json=body)
        assert answer.status_code == 200, answer.text

    def settle(self) -> None:
        """Do the jobs that wait; no mail leaves."""
        jobs.run_due(self.services, kinds={**JOB_KINDS, "mail": JobKind("outside", lambda *_: None)})


Install = Callable[..., Installation]


@pytest.fixture(scope="session", autouse=True)
def short_logs() -> Iterator[None]:
    """Say of each accident its last lines only; a drawn traceback takes seconds."""

    def shorten(_logger: Any, _name: str, event: Any) -> str:
        error = event.pop("exc_info", None)
        if isinstance(error, BaseException):
            event["error"] = "".join(traceback.format_exception(error))[-500:]
        return str(event) if error else ""

    before = structlog.get_config()
    structlog.configure(processors=[shorten], cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def install(
    sqlite_template: Path,
    postgresql_server: PostgresServer,
    postgresql_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Install]:
    """Set the example up on a database of its own."""
    undo: list[Callable[[], None]] = []
    hashed = passwords.hash_password(PASSWORD)

    def make(dialect: str, document: Mapping[str, Any] | None = None, now: datetime = NOW) -> Installation:
        folder = tmp_path_factory.mktemp("attacked")
        if dialect == "sqlite":
            shutil.copy(sqlite_template, folder / "fourfold.sqlite3")
            url = f"sqlite:///{folder / 'fourfold.sqlite3'}"
        else:
            fresh = postgresql_server.database(template=postgresql_template)
            url = fresh.__enter__()
            undo.append(lambda: fresh.__exit__(None, None, None))
        settings = Settings(
            _env_file=None, data_dir=folder, database_url=url, requests_per_second=10_000, requests_burst=100_000
        )
        services = Services(settings, in_a_hurry(open_database(url)), lambda: now)
        undo.append(services.close)
        import_document(services, document or example())
        made = Installation(services, create_app(settings, services), dialect)
        _hire(made, hashed)
        return made

    yield make
    for each in reversed(undo):
        each()


def example() -> dict[str, Any]:
    """The sales example without its stories, which tell of other people."""
    document: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    document.pop("stories", None)
    return document


def _hire(made: Installation, hashed: str) -> None:
    app = made.app

    def work(tx: Any) -> None:
        sales = organisation.add_department(tx, "Sales")
        north = organisation.add_department(tx, "North", sales)
        south = organisation.add_department(tx, "South", sales)
        homes = {"sam": north, "mona": north, "zoe": south}
        for name, roles in ROLES.items():
            rights = frozenset({"app_admin", "user_admin"}) if name == "ada" else frozenset[str]()
            member = organisation.add_member(
                tx, name.title(), f"{name}@example.com", password_hash=hashed, department=homes.get(name), rights=rights
            )
            made.people[name] = member
            for role in roles:
                organisation.grant_role(tx, "crm", app.role_ids[role], member)

    transaction.run(made.services, system("test"), work)


@pytest.fixture(scope="module", params=DIALECTS)
def filled(request: pytest.FixtureRequest, install: Install) -> Installation:
    """The example full of canaries, shared by the tests of a module."""
    made = install(request.param)
    fill(made)
    return made


def fill(made: Installation) -> None:
    """Two sellers with everything a seller has; contracts in every state of their approval."""
    made.create("dora", "product", "product", code="P1", name="Machine", price=10)
    made.create("dora", "city", "territory", city="Shenzhen", responsible=str(made.people["mona"]))
    for who in ("sam", "zoe"):
        _sells(made, who)
    for alias in ("sam_big", "zoe_big"):
        made.approve("dora", alias)  # now legal and the general manager have it
    made.approve("dora", "sam_small")  # now it is approved, and finance has it
    made.settle()
    with made.services.database.read() as connection:
        for row in connection.execute(sa.select(tables.task)):
            made.tasks[f"{row.record}.{row.assignee}.{row.node}"] = row.id


def _sells(made: Installation, who: str) -> None:
    def text(alias: str, *names: str) -> dict[str, str]:
        return {name: made.canary(f"{who}_{alias}", name) for name in names}

    lead = text("lead", "company", "contact_name") | {
        "amount": made.amount(f"{who}_lead", "amount"),
        "province": "other",
    }
    made.create(who, f"{who}_lead", "lead", **lead)
    names = text("customer", "name", "contact_name", "position", "wechat")
    follow = [{"content": made.canary(f"{who}_customer", "follow_ups"), "way": "call"}]
    customer = made.create(
        who, f"{who}_customer", "customer", **names, tags=[made.canary(f"{who}_customer", "tags")], follow_ups=follow
    )
    made.change("dora", f"{who}_customer", credit_limit=made.amount(f"{who}_customer", "credit_limit"))
    contact = made.create(
        who, f"{who}_contact", "contact", customer=str(customer), **text("contact", "name", "position")
    )
    values = text("deal", "name", "next_step") | {"amount": made.amount(f"{who}_deal", "amount"), "stage": "needs"}
    deal = made.create(who, f"{who}_deal", "opportunity", customer=str(customer), **values)
    made.change(who, f"{who}_deal", stage="proposal")  # a rule tells the solution engineer
    for size, total in (("big", 80_000), ("small", 30_000), ("draft", 20_000)):
        alias = f"{who}_{size}"
        made.create(
            who, alias, "contract", opportunity=str(deal), customer=str(customer), finance_contact=str(contact),
            total=total, terms=None, cost=made.amount(alias, "cost"), special_terms=False,
        )  # fmt: skip
    kept = made.browser(who).post(
        "/api/v1/apps/crm/files", files={"file": ("paper.txt", made.canary(f"{who}_big", "files").encode())}
    )
    assert kept.status_code == 201, kept.text
    made.files[f"{who}_big"] = kept.json()["id"]
    made.change(who, f"{who}_big", files=[kept.json()["id"]])
    for size in ("big", "small"):
        made.submit(who, f"{who}_{size}")
    made.create(who, f"{who}_task", "task", customer=str(customer), **text("task", "subject", "notes"))
