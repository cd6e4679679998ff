"""Who and what a script knows by name: stories and demo data are scripts over a live app, on a clock of their own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.expressions import Environment, evaluate
from engines.facts import Facts
from engines.json_values import to_json
from metadata.expressions import NOWHERE, check
from metadata.problems import ROOT, NotFound, Problem
from runtime import identity, jobs, records, transaction
from runtime.db import tables
from runtime.flows import instances
from runtime.jobs import Job, JobKind, timers
from runtime.jobs.kinds import JOB_KINDS
from runtime.rules import sweeps
from runtime.totals import late_totals

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Cast:
    """The people and records of a script by their names. Mails that its rules send are caught, never sent."""

    services: "Services"
    app: str
    clock: Clock
    people: dict[str, int] = field(default_factory=dict)
    records: dict[str, tuple[str, int]] = field(default_factory=dict)
    mails: list[Mapping[str, Any]] = field(default_factory=list)
    between: Callable[[], None] = lambda: None  # called after everything that was done; who has waited enough may raise
    present: datetime | None = None  # what `today` and `now` mean in values, where that is not the moving clock

    @contextmanager
    def acting(self, who: str) -> Iterator[tuple["Tx", CompiledApp]]:
        """A transaction of one of the people; what it sets off is done right after it."""
        with transaction.begin(self.services, self.actor(who)) as tx:
            yield tx, self.services.apps.live(tx, self.app)
        self.settle()

    def actor(self, who: str) -> Actor:
        """The person as he signs in, with the roles he holds now."""
        with self.services.database.read() as connection:
            people = self.services.organisations.at(connection, self.clock.now)
        return identity.actor_of(people, self.person(who))

    def person(self, who: str) -> int:
        return self._known(self.people, who)

    def record(self, alias: str) -> tuple[str, int]:
        """The form (by id) and the id of a record that was saved under this name."""
        return self._known(self.records, alias)

    def save(self, who: str, form: str | None, values: Mapping[str, Any], alias: str | None, known: bool) -> None:
        """Create a record, or change the one known by the alias."""
        with self.acting(who) as (tx, app):
            form_id, id = self.record(alias or "") if known else (app.form(form or "").id, None)
            saved = records.save(tx, app, form_id, id, self.resolved(values, app), check_version=False)
        if alias is not None:
            self.records[alias] = (form_id, saved.id)

    def submit(self, who: str, alias: str, flow: str | None = None) -> None:
        form, record = self.record(alias)
        with self.acting(who) as (tx, app):
            instances.submit(tx, app, flow, form, record)

    def decide(
        self, who: str, outcome: str, task: Any, values: Mapping[str, Any], comment: str = "", **more: Any
    ) -> None:
        with self.acting(who) as (tx, app):
            instances.decide(tx, app, task.id, outcome, task.version, comment, self.resolved(values, app), **more)

    def open_tasks(self, who: str, node: str | None = None, record: str | None = None) -> list[Any]:
        """The open tasks of a person, perhaps at one node (by name) or about one record."""
        task = tables.task
        mine = select(task).where(task.c.assignee == self.person(who), task.c.state == "open", task.c.kind != "cc")
        if record is not None:
            mine = mine.where(task.c.record == self.record(record)[1])
        with transaction.read(self.services, self.actor(who)) as tx:
            app = self.services.apps.live(tx, self.app)
            found = tx.connection.execute(mine.order_by(task.c.opened_at, task.c.id)).all()
            return [row for row in found if node is None or _node_name(app, row) == node]

    def flows_of(self, alias: str) -> list[Any]:
        """The flows that were started with a record, the latest first."""
        form, id = self.record(alias)
        instance = tables.flow_instance
        of_record = select(instance).where(instance.c.form == form, instance.c.record == id)
        with self.services.database.read() as connection:
            return list(connection.execute(of_record.order_by(instance.c.started_at.desc(), instance.c.id.desc())))

    def pass_time(self, length: timedelta) -> None:
        """Move the clock on, in steps, and let everything that comes due happen at its time."""
        step = max(timedelta(hours=1), length / 48)
        end = self.clock.now + length
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + step)
            timers.run(self.services)
            sweeps.run(self.services)
            self.settle()

    def settle(self) -> None:
        """Do every job that is due, late totals too; mails are caught."""
        kinds = {**JOB_KINDS, "mail": JobKind("outside", self._catch)}
        jobs.run_due(self.services, self.services.clock() + late_totals.DELAY, kinds)
        self.between()

    def resolved(self, raw: Any, app: CompiledApp) -> Any:
        """Values as the API takes them: "=name" of a person or record becomes its id, other "=..." is computed."""
        if isinstance(raw, Mapping):
            return {key: self.resolved(value, app) for key, value in raw.items()}
        if isinstance(raw, list | tuple):
            return [self.resolved(value, app) for value in raw]
        return self._computed(raw[1:], app) if isinstance(raw, str) and raw.startswith("=") else raw

    def _computed(self, text: str, app: CompiledApp) -> Any:
        if text in self.records:
            return str(self.records[text][1])
        if text in self.people:
            return str(self.people[text])
        expression = check(text, NOWHERE, self.services.kinds.functions)
        moment = self.present or self.clock.now
        facts = replace(Facts(), now=moment, zone=app.zone)
        return to_json(evaluate(expression, Environment({}, facts)), expression.type)

    def _catch(self, _services: "Services", job: Job) -> None:
        self.mails.append(job.payload)

    def _known(self, things: Mapping[str, Any], name: str) -> Any:
        if name not in things:
            message = {"en": f"Nobody and nothing here is called “{name}”", "zh": f"这里没有名为“{name}”的人或记录"}
            raise NotFound(Problem(ROOT, "unknown_alias", message))
        return things[name]


def _node_name(app: CompiledApp, task: Any) -> str | None:
    flow = app.flows.get(task.flow)
    found = flow.nodes.get(task.node) if flow is not None else None
    return found.name if found is not None else None
