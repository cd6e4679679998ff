"""The sales app of the rule tests, live in a database: people who act, a clock that moves, jobs done at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from engines.actor import Actor, system
from engines.compiled import CompiledApp
from runtime import jobs, organisation, records, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.jobs import Job, JobKind, timers
from runtime.jobs.kinds import JOB_KINDS
from runtime.rules import sweeps
from runtime.services import Services
from runtime.transaction import Tx
from tests.engines.rules.sales import sales
from tests.runtime.conftest import MovedClock


@dataclass
class Trading:
    """Ann and Bo sell, Chef is their manager; mails are caught."""

    services: Services
    clock: MovedClock
    app: CompiledApp
    people: dict[str, int] = field(default_factory=dict)
    mails: list[Mapping[str, Any]] = field(default_factory=list)

    def actor(self, name: str) -> Actor:
        role = "r_boss" if name == "chef" else "r_seller"
        return Actor("user", self.people[name], name, roles={"sales": frozenset({role})})

    def save(self, form: str = "deal", id: int | None = None, by: str = "ann", **values: Any) -> int:
        """Save as a person would, and do what comes of it."""

        def work(tx: Tx) -> int:
            live = self.services.apps.live(tx, "sales")
            return records.save(tx, live, form, id, values, check_version=False).id

        saved = transaction.run(self.services, self.actor(by), work)
        self.settle()
        return saved

    def delete(self, id: int, form: str = "deal") -> None:
        transaction.run(
            self.services, system("test"), lambda tx: records.delete(tx, self.app, form, id, check_version=False)
        )
        self.settle()

    def wait(self, **by: float) -> None:
        """Let time pass, and look once at its end."""
        self.clock.now += timedelta(**by)
        self.look()

    def look(self) -> None:
        timers.run(self.services)
        sweeps.run(self.services)
        self.settle()

    def settle(self) -> None:
        jobs.run_due(self.services, kinds={**JOB_KINDS, "mail": JobKind("outside", self._catch)})

    def record(self, id: int, form: str = "deal") -> Mapping[str, Any]:
        with transaction.read(self.services, system("test")) as tx:
            return records.load(tx, self.app, form, id) or {}

    def inbox(self, name: str) -> list[str]:
        """The titles of somebody's messages, the oldest first."""
        note = tables.notification
        with self.services.database.read() as connection:
            mine = select(note.c.title).where(note.c.member == self.people[name]).order_by(note.c.id)
            return list(connection.scalars(mine))

    def traces(self) -> list[tuple[str, str]]:
        with self.services.database.read() as connection:
            rows = connection.execute(select(tables.trace.c.rule, tables.trace.c.outcome).order_by(tables.trace.c.id))
            return [(row.rule, row.outcome) for row in rows]

    def publish(self, *rules: Mapping[str, Any], **more: Any) -> None:
        """Make the same app live with other rules."""
        self.app = sales(*rules, **more)
        manifest = new_id()
        with self.services.database.write() as connection:
            row = {"id": manifest, "app": "sales", "number": manifest % 1000, "parts": {}, "ids": {}}
            blank = dict.fromkeys(tables.manifest.c.keys())
            connection.execute(insert(tables.manifest).values({**blank, **row, "published_at": self.clock()}))
            connection.execute(tables.app.update().values(live=manifest))
        self.services.apps.keep(manifest, self.app)

    def _catch(self, services: Services, job: Job) -> None:
        self.mails.append(job.payload)


def open_trading(
    services: Services, clock: MovedClock, *rules: Mapping[str, Any], password_hash: str | None = None, **more: Any
) -> Trading:
    """Put the app with these rules into an empty database."""
    trading = Trading(services, clock, sales(*rules, **more))

    def begin(tx: Tx) -> None:
        trading.app.metadata.create_all(tx.connection)
        tx.connection.execute(insert(tables.app).values(number=1, name="sales", live=None, title={"en": "Sales"}))
        team = organisation.add_department(tx, "Sales")
        for name, language in (("chef", "en"), ("ann", "en"), ("bo", "zh")):
            member = organisation.add_member(
                tx, name, f"{name}@example.com", language=language, department=team, password_hash=password_hash
            )
            trading.people[name] = member
            organisation.grant_role(tx, "sales", "r_boss" if name == "chef" else "r_seller", member)
        for name in ("ann", "bo"):
            organisation.set_manager(tx, trading.people[name], trading.people["chef"])

    transaction.run(services, system("test"), begin)
    trading.publish(*rules, **more)
    return trading
