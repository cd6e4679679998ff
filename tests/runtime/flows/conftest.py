"""A contract department: a live app with flows, six people, and ways to act as each of them."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api.publish import import_document
from engines.actor import Actor, system
from engines.compiled import CompiledApp
from runtime import identity, jobs, organisation, reading, records, transaction
from runtime.db import tables
from runtime.db.engine import open_database
from runtime.db.migrate import migrate
from runtime.flows import instances, progress, tasks
from runtime.flows.progress import Progress
from runtime.jobs import kinds, timers
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import Tx
from tests.conftest import Copies

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ROLES = ("seller", "director", "legal", "general_manager", "finance")


def set_state(value: str) -> list[dict[str, Any]]:
    return [{"action": "set", "values": {"state": value}}]


def approval(name: str, approvers: Any, **more: Any) -> dict[str, Any]:
    return {"type": "approval", "id": f"n_{name}", "name": name, "approvers": approvers, **more}


MARKED: dict[str, Any] = {
    "on_start": set_state("submitted"),
    "on_approved": set_state("approved"),
    "on_rejected": set_state("rejected"),
    "on_returned": set_state("draft"),
    "on_withdrawn": set_state("draft"),
}

DEFINITION: Mapping[str, Any] = {
    "format": 1,
    "app": "deals",
    "version": "1.0.0",
    "title": "Deals",
    "time_zone": "Asia/Shanghai",
    "roles": [{"id": f"r_{name}", "name": name} for name in ROLES],
    "forms": [
        {
            "id": "t_customer",
            "name": "customer",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                {"id": "f_secret", "name": "secret", "type": "text"},
            ],
        },
        {
            "id": "t_contract",
            "name": "contract",
            "label": "{{title}}",
            "fields": [
                {"id": "f_title", "name": "title", "type": "text", "required": True},
                {"id": "f_amount", "name": "amount", "type": "money"},
                {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
                {"id": "f_margin", "name": "margin", "type": "money"},
                {"id": "f_clause", "name": "clause", "type": "text"},
                {"id": "f_verdict", "name": "verdict", "type": "text"},
                {
                    "id": "f_state",
                    "name": "state",
                    "type": "select",
                    "read_only": True,
                    "default": "draft",
                    "options": ["draft", "submitted", "approved", "rejected"],
                },
            ],
        },
        {
            "id": "t_order",
            "name": "order",
            "label": "{{title}}",
            "fields": [
                {"id": "f_otitle", "name": "title", "type": "text", "unique": True},
                {"id": "f_contract", "name": "contract", "type": "link", "form": "contract"},
            ],
        },
    ],
    "flows": [
        {
            "id": "w_contract",
            "name": "contract",
            "form": "contract",
            "if": "title != 'special'",
            "nodes": [
                approval("director", {"role": "director"}),
                {
                    "type": "condition",
                    "id": "n_amount",
                    "name": "amount",
                    "branches": [
                        {"if": "amount < 50000", "nodes": []},
                        {
                            "else": True,
                            "nodes": [
                                {
                                    "type": "parallel",
                                    "id": "n_both",
                                    "name": "both",
                                    "branches": [
                                        {
                                            "nodes": [
                                                approval(
                                                    "legal",
                                                    {"role": "legal"},
                                                    fields={"*": "read", "margin": "hidden", "verdict": "required"},
                                                    edit=["clause"],
                                                    related=["customer"],
                                                )
                                            ]
                                        },
                                        {"nodes": [approval("chief", {"role": "general_manager"})]},
                                    ],
                                }
                            ],
                        },
                    ],
                },
                {
                    "type": "action",
                    "id": "n_order",
                    "do": [
                        {"action": "create", "form": "order", "values": {"title": "=title", "contract": "=record"}},
                    ],
                },
            ],
            **MARKED,
        },
        {
            "id": "w_board",
            "name": "board",
            "form": "contract",
            "if": "title == 'special'",
            "nodes": [
                approval("board", [{"role": "director"}, {"role": "legal"}, {"role": "general_manager"}], quorum=2),
                approval("cash", {"role": "finance"}),
            ],
        },
        {
            "id": "w_loss",
            "name": "loss",
            "form": "contract",
            "start": "rule",
            "nodes": [approval("loss", [{"role": "director"}, {"manager_of": "user"}])],
        },
        {
            "id": "w_slow",
            "name": "slow",
            "form": "contract",
            "nodes": [
                {"type": "wait", "id": "n_pause", "name": "pause", "for": "3 days"},
                approval("late", {"role": "finance"}, limit={"after": "2 days", "then": "approve"}),
                {"type": "cc", "id": "n_copy", "name": "copy", "to": {"role": "legal"}},
            ],
            "on_approved": set_state("approved"),
        },
    ],
    "rules": [
        {
            "name": "losses",
            "when": {"trigger": "changed", "form": "contract", "field": "margin"},
            "if": "margin < 0",
            "then": [{"action": "start_flow", "flow": "loss"}],
        }
    ],
    "access": [
        {
            "role": "seller",
            "form": "contract",
            "may": ["create", "read", "update", "delete", "start_flow"],
            "where": "owner == user",
        },
        {"role": "seller", "form": "customer", "may": ["create", "read", "update"], "where": "owner == user"},
        {"role": "director", "form": "contract", "may": ["read"]},
        {
            "role": "finance",
            "form": "contract",
            "may": ["read"],
            "where": "state == 'approved'",
            "fields": ["title", "amount", "state"],
        },
    ],
}


@dataclass
class Department:
    """People who work with contracts, each in transactions of his own."""

    services: Services
    people: dict[str, int] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        if name == "system":
            return system("test")
        with transaction.read(self.services, system("test")) as tx:
            return identity.actor_of(tx.organisation, self.people[name])

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[Tx, CompiledApp]]:
        with transaction.read(self.services, self.actor(name)) as tx:
            yield tx, self.services.apps.live(tx, "deals")

    def run(self, name: str, work: Callable[[Tx, CompiledApp], Any]) -> Any:
        return transaction.run(
            self.services, self.actor(name), lambda tx: work(tx, self.services.apps.live(tx, "deals"))
        )

    # --- what people do ---

    def contract(self, amount: int = 80000, title: str = "one", **values: Any) -> int:
        body = {"title": title, "amount": amount, **values}
        saved: records.Saved = self.run("sam", lambda tx, app: records.save(tx, app, "contract", None, body))
        return saved.id

    def change(self, name: str, record: int, **values: Any) -> Any:
        return self.run(name, lambda tx, app: records.save(tx, app, "contract", record, values, check_version=False))

    def submit(self, record: int, flow: str | None = None, who: str = "sam") -> int:
        id: int = self.run(who, lambda tx, app: instances.submit(tx, app, flow, "contract", record))
        return id

    def decide(self, name: str, outcome: str = "approve", node: str | None = None, **more: Any) -> str:
        task = self.task(name, node)
        more.setdefault("version", task.version)
        state: str = self.run(name, lambda tx, app: instances.decide(tx, app, task.id, outcome, **more))
        return state

    def task(self, name: str, node: str | None = None) -> tasks.TaskLine:
        found = [each for each in self.todo(name) if node is None or each.node == f"n_{node}"]
        assert len(found) == 1, f"{name} has {[each.node for each in found]}"
        return found[0]

    def pass_time(self, **by: float) -> None:
        self.services.clock.move(**by)  # type: ignore[attr-defined]
        timers.run(self.services)
        jobs.run_due(self.services, kinds=kinds.JOB_KINDS)

    # --- what is seen ---

    def todo(self, name: str) -> tuple[tasks.TaskLine, ...]:
        with self.reading(name) as (tx, _):
            return tasks.tasks(tx, "todo").items

    def nodes(self, name: str) -> list[str]:
        return [each.node.removeprefix("n_") for each in self.todo(name)]

    def sees(self, name: str, form: str, record: int) -> dict[str, Any]:
        """A record by field names, as somebody sees it."""
        with self.reading(name) as (tx, app):
            shown = reading.get(tx, app, form, record)
            fields = app.form(form).fields
        return {fields[id].name: value for id, value in shown.values.items() if id in fields}

    def state(self, record: int) -> str:
        return str(self.sees("system", "contract", record)["state"])

    def progress(self, name: str, id: int) -> Progress:
        with self.reading(name) as (tx, app):
            return progress.progress(tx, app, id)

    def instances(self, name: str, record: int) -> list[Progress]:
        with self.reading(name) as (tx, app):
            return progress.instances_of(tx, app, "t_contract", record)

    def count(self, table: sa.Table, *conditions: Any) -> int:
        with self.services.database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0

    def orders(self) -> list[str]:
        with self.reading("system") as (tx, app):
            page = reading.list_records(tx, app, "order", reading.ListQuery())
        return [each.values["f_otitle"] for each in page.items]

    def publish(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Make a changed definition live."""
        document = copy.deepcopy(dict(DEFINITION))
        change(document)
        import_document(self.services, document)


HELD = {"sam": "seller", "dan": "director", "lea": "legal", "gus": "general_manager", "fay": "finance"}


@pytest.fixture
def department(services: Services) -> Department:
    """Sam sells, Dan directs, Lea is the lawyer, Gus the general manager, Fay keeps the money, Eve does nothing."""
    with services.database.read() as connection:
        people = connection.execute(sa.select(tables.member.c.name, tables.member.c.id)).all()
    return Department(services, {row.name: row.id for row in people})


# The app is published and the people are hired once; every test gets a copy of that database.


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Path:
    path = tmp_path_factory.mktemp("flows") / "fourfold.sqlite3"
    _furnish(f"sqlite:///{path}", path.parent, password_hash)
    return path


@pytest.fixture(scope="session")
def postgresql_copies(
    postgresql_server: Any, tmp_path_factory: pytest.TempPathFactory, password_hash: str
) -> Iterator[Copies]:
    with postgresql_server.database(template="template0") as url:
        _furnish(url, tmp_path_factory.mktemp("flows"), password_hash)
        yield partial(postgresql_server.database, str(sa.make_url(url).database))


def _furnish(url: str, folder: Path, password_hash: str) -> None:
    database = open_database(url)
    migrate(database)
    services = Services(Settings(_env_file=None, data_dir=folder, database_url=url), database, lambda: NOW)
    import_document(services, dict(DEFINITION))

    def hire(tx: Tx) -> None:
        home = organisation.add_department(tx, "Company")
        for name in (*HELD, "eve"):
            email = f"{name}@example.com"
            member = organisation.add_member(tx, name, email, department=home, password_hash=password_hash)
            if name in HELD:
                organisation.grant_role(tx, "deals", f"r_{HELD[name]}", member)

    transaction.run(services, system("test"), hire)
    database.dispose()
