"""Schedules and moments that came while nobody looked: what was missed, what was done about it, who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from engines.compiled import CompiledApp
from engines.rules.triggers.schedule import LONGEST_CATCH_UP
from metadata.text import Text, say
from runtime.db import tables
from runtime.notifications import tell_keepers
from runtime.rules import pausing

if TYPE_CHECKING:
    from runtime.transaction import Tx

timer = tables.timer

WORTH_TELLING = timedelta(hours=1)  # after so long a standstill, what a sweep finds is late


@dataclass(frozen=True)
class Missed:
    """The runs of one schedule that nobody was there for, and how many of them were done after all."""

    app: str
    rule: str
    count: int
    caught_up: int
    first: datetime
    last: datetime

    def as_json(self) -> dict[str, Any]:
        """As it is kept beside the schedule until somebody has seen it."""
        first, last = self.first.isoformat(), self.last.isoformat()
        return {"count": self.count, "caught_up": self.caught_up, "first": first, "last": last}


def missed_schedules(connection: Connection) -> list[Missed]:
    """The schedules with missed runs that nobody has put aside yet, the latest first."""
    rows = connection.execute(select(timer.c.payload, timer.c.missed).where(timer.c.missed.is_not(None)))
    found = [_read(row.payload, row.missed) for row in rows]
    return sorted(found, key=lambda each: each.last, reverse=True)


def put_aside(tx: "Tx") -> None:
    """Somebody has seen what was missed."""
    tx.connection.execute(update(timer).where(timer.c.missed.is_not(None)).values(missed=None))


def tell_missed(tx: "Tx", missed: Sequence[Missed]) -> None:
    """One message about all schedules that were missed together."""
    if not missed:
        return
    title: Text = {"en": f"Schedules that were missed: {len(missed)}", "zh": f"错过的定时规则：{len(missed)} 条"}
    titles = [pausing.title_of(tx.services, tx.connection, each.app, each.rule) for each in missed]
    told = {
        language: "\n".join(
            _line(each, say(name, language), language) for each, name in zip(missed, titles, strict=True)
        )
        for language in ("en", "zh")
    }
    tell_keepers(tx.connection, tx.organisation, tx.now, title, told)


def tell_late(tx: "Tx", app: CompiledApp, seen: datetime | None, count: int) -> None:
    """A message about moments that a sweep finds late, and about those that it leaves out for good."""
    gap = tx.now - seen if seen is not None else timedelta()
    if gap <= WORTH_TELLING or not (count or gap > LONGEST_CATCH_UP):
        return
    title: Text = {
        "en": f"{say(app.title, 'en')}: moments of rules that come late: {count}",
        "zh": f"{say(app.title, 'zh')}：延迟触发的规则 {count} 次",
    }
    tell_keepers(tx.connection, tx.organisation, tx.now, title, _TOO_OLD if gap > LONGEST_CATCH_UP else _LATE)


def _read(payload: Mapping[str, Any], told: Mapping[str, Any]) -> Missed:
    first, last = datetime.fromisoformat(told["first"]), datetime.fromisoformat(told["last"])
    return Missed(payload["app"], payload["rule"], told["count"], told["caught_up"], first, last)


def _line(missed: Missed, title: str, language: str) -> str:
    first, last = missed.first.isoformat(" ", "minutes"), missed.last.isoformat(" ", "minutes")
    if language == "zh":
        return f"{title}：错过 {missed.count} 次（{first} 至 {last}），补执行 {missed.caught_up} 次"
    return f"{title}: {missed.count} missed ({first} to {last}), {missed.caught_up} done late"


_LATE: Text = {
    "en": "No worker was there when they came. All of them are done now.",
    "zh": "当时没有后台进程运行，现已全部补上。",
}
_TOO_OLD: Text = {
    "en": f"No worker was there when they came. Those of the last {LONGEST_CATCH_UP.days} days are done now, "
    "older ones are left out.",
    "zh": f"当时没有后台进程运行。最近 {LONGEST_CATCH_UP.days} 天内的现已补上，更早的不再执行。",
}
