"""Rules that stand still: who paused which and why, and the failures in a row after which the platform does it.

A paused rule that looks at saves is not asked. What a rule does in jobs waits until it is resumed; schedules are
caught up then as after any other standstill. Publishing leaves pauses as they are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from metadata.problems import NotFound
from metadata.text import Text, say
from runtime import audit
from runtime.db import tables
from runtime.notifications import tell_keepers

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

rule_state = tables.rule_state

MOST_FAILURES = 8  # dead letters in a row (L38)
LONGEST_REASON = 500

FAILED_AGAIN_AND_AGAIN: Text = {
    "en": f"{MOST_FAILURES} of its jobs in a row failed for good",
    "zh": f"它的任务已连续 {MOST_FAILURES} 次彻底失败",
}


@dataclass(frozen=True)
class Pause:
    """A rule that stands still. `by` is None where the platform paused it."""

    app: str
    rule: str
    since: datetime
    by: int | None
    reason: Text


def pauses(connection: Connection, app: str | None = None) -> list[Pause]:
    """The rules that are paused, of one app or of all, the latest first."""
    wanted = select(rule_state).where(rule_state.c.paused_at.is_not(None))
    if app is not None:
        wanted = wanted.where(rule_state.c.app == app)
    rows = connection.execute(wanted.order_by(rule_state.c.paused_at.desc(), rule_state.c.rule))
    return [Pause(row.app, row.rule, row.paused_at, row.paused_by, row.reason or "") for row in rows]


def is_paused(connection: Connection, app: str, rule: str) -> bool:
    """Whether a rule stands still."""
    own = _own(app, rule) & rule_state.c.paused_at.is_not(None)
    return connection.scalar(select(rule_state.c.rule).where(own)) is not None


def pause(tx: "Tx", app: str, rule: str, reason: str = "") -> None:
    """Let a rule stand still until somebody resumes it; audited. Pausing again changes nothing."""
    if _stop(tx.connection, app, rule, tx.now, tx.actor.member, reason.strip()[:LONGEST_REASON]):
        audit.note(tx, "rule_paused", kind="rule", object=rule, app=app, detail={"reason": reason[:LONGEST_REASON]})


def resume(tx: "Tx", app: str, rule: str) -> None:
    """Let a rule go on, with the jobs that waited; audited."""
    from runtime.jobs.resting import release

    own = _own(app, rule) & rule_state.c.paused_at.is_not(None)
    going = {"paused_at": None, "paused_by": None, "reason": None, "failures": 0}
    if tx.connection.execute(update(rule_state).where(own).values(going)).rowcount == 1:
        waited = release(tx, app, rule)
        audit.note(tx, "rule_resumed", kind="rule", object=rule, app=app, detail={"waited": waited})


def stop(services: "Services", connection: Connection, app: str, rule: str, reason: Text) -> None:
    """Pause a rule as the platform, and tell those who look after the apps once."""
    now = services.clock()
    if not _stop(connection, app, rule, now, None, reason):
        return
    title, told = title_of(services, connection, app, rule), {}
    for language, text in (("en", "The rule “{}” was paused: {}"), ("zh", "规则“{}”已被暂停：{}")):
        told[language] = text.format(say(title, language), say(reason, language))
    people = services.organisations.at(connection, now)
    tell_keepers(connection, people, now, told, WHAT_NOW)


def note_failure(services: "Services", connection: Connection, app: str, rule: str) -> None:
    """Count a dead letter; after too many in a row the rule is paused."""
    first = {"app": app, "rule": rule, "failures": 1}
    counted = _insert(connection)(rule_state).values(first)
    counted = counted.on_conflict_do_update(
        index_elements=["app", "rule"], set_={"failures": rule_state.c.failures + 1}
    )
    if (connection.scalar(counted.returning(rule_state.c.failures)) or 0) >= MOST_FAILURES:
        stop(services, connection, app, rule, FAILED_AGAIN_AND_AGAIN)


def note_success(connection: Connection, app: str, rule: str) -> None:
    """The failures were not in a row."""
    connection.execute(update(rule_state).where(_own(app, rule), rule_state.c.failures > 0).values(failures=0))


def title_of(services: "Services", connection: Connection, app: str, rule: str) -> Text:
    """How a rule is called; its id where it is gone."""
    try:
        found = services.apps.live(connection, app).rules.rules.get(rule)
    except NotFound:
        found = None
    return found.title if found is not None else rule


def _stop(connection: Connection, app: str, rule: str, now: datetime, by: int | None, reason: Text) -> bool:
    """Pause a rule that is going; False where it stands still already."""
    standing = {"paused_at": now, "paused_by": by, "reason": reason}
    going = rule_state.c.paused_at.is_(None)
    made = _insert(connection)(rule_state).values({"app": app, "rule": rule, "failures": 0, **standing})
    paused = made.on_conflict_do_update(index_elements=["app", "rule"], set_=standing, where=going)
    return connection.scalar(paused.returning(rule_state.c.rule)) is not None


def _own(app: str, rule: str) -> ColumnElement[bool]:
    return (rule_state.c.app == app) & (rule_state.c.rule == rule)


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


WHAT_NOW: Text = {
    "en": "Its jobs wait. Look into the failed jobs under “Needs attention”, and resume it there.",
    "zh": "它的任务正在等待。请在“待处理问题”中查看失败的任务，并在那里恢复该规则。",
}
