"""Notes which lists take long, and by which fields without an index they were filtered or sorted."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from engines.compiled import CompiledApp, CompiledForm
from engines.forms.filtered import NAME
from engines.forms.tables import can_be_indexed, has_index
from metadata.problems import Refusal
from runtime.db import tables
from runtime.db.engine import Database

if TYPE_CHECKING:
    from runtime.reading.question import Question

SLOW_SECONDS = 0.2
EVERY = timedelta(minutes=1)
MOST = 1_000  # fields noted between two writings

slow_list = tables.slow_list


@dataclass
class Slowness:
    """How often, and how slowly at worst."""

    times: int = 0
    slowest: int = 0  # milliseconds


@dataclass
class SlowLists:
    """What this process has seen since it last wrote it down."""

    seen: dict[tuple[str, str, str], Slowness] = field(default_factory=dict)
    since: datetime | None = None
    slow_after: float = SLOW_SECONDS
    lock: Lock = field(default_factory=Lock)

    def note(self, app: str, form: str, fields: Iterable[str], seconds: float, now: datetime) -> None:
        """Note a list that took long; nothing is written yet."""
        with self.lock:
            self.since = self.since or now
            for each in fields:
                if len(self.seen) < MOST or (app, form, each) in self.seen:
                    known = self.seen.setdefault((app, form, each), Slowness())
                    known.times += 1
                    known.slowest = max(known.slowest, round(seconds * 1000))

    def write_if_due(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Write down what was noted, once a minute at most; where that is not possible just now, it is forgotten."""
        if self.since is None or (now := clock()) - self.since < EVERY:
            return
        with self.lock:
            noted, self.seen, self.since = self.seen, {}, None
        rows = [
            {"app": app, "form": form, "field": field, "times": each.times, "slowest": each.slowest, "last_at": now}
            for (app, form, field), each in sorted(noted.items(), key=itemgetter(0))
        ]
        with suppress(Refusal, SQLAlchemyError):
            if rows:
                with database.write() as connection:
                    connection.execute(_added(database), rows)


def note(question: "Question", filter: str, sort: str, seconds: float) -> None:
    """Note a list that took long, if an index could help it."""
    tx, form = question.tx, question.form
    if seconds < tx.services.slow_lists.slow_after:
        return
    fields = {form.field_ids[name] for name in NAME.findall(f"{filter} {sort}") if name in form.field_ids}
    tx.services.slow_lists.note(question.app.name, form.id, _without_index(form, fields), seconds, tx.now)


def of_app(connection: sa.Connection, app: CompiledApp) -> list[dict[str, Any]]:
    """The fields by which lists were slow and which have no index yet, the most often met first."""
    mine = sa.select(slow_list).where(slow_list.c.app == app.name).order_by(slow_list.c.times.desc())
    rows = connection.execute(mine).mappings().all()
    return [
        dict(row) for row in rows if row["form"] in app.forms and _without_index(app.forms[row["form"]], [row["field"]])
    ]


def _without_index(form: CompiledForm, fields: Iterable[str]) -> list[str]:
    found = (form.fields[each] for each in fields if each in form.fields)
    return [each.id for each in found if can_be_indexed(each) and not has_index(form.table, each)]


def _added(database: Database) -> Any:
    insert = postgresql.insert(slow_list) if database.is_postgresql else sqlite.insert(slow_list)
    fresh = insert.excluded
    more = {"times": slow_list.c.times + fresh.times, "last_at": fresh.last_at}
    larger = sa.case((fresh.slowest > slow_list.c.slowest, fresh.slowest), else_=slow_list.c.slowest)
    return insert.on_conflict_do_update(index_elements=["app", "form", "field"], set_={**more, "slowest": larger})
