"""What needs somebody's attention: failed jobs, rules that stand still, missed schedules; through his own rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from metadata.problems import NotFound
from metadata.text import Text, say
from runtime.flows.progress import labels_in
from runtime.jobs import resting
from runtime.rules import missed, pausing
from runtime.rules.missed import Missed
from runtime.rules.pausing import Pause

if TYPE_CHECKING:
    from engines.compiled import CompiledApp
    from runtime.transaction import Tx

KINDS: Mapping[str, Text] = {
    "effects": {"en": "What a rule does later", "zh": "规则的后续动作"},
    "moment": {"en": "A rule whose moment came", "zh": "到时间的规则"},
    "schedule": {"en": "A scheduled rule", "zh": "定时规则"},
    "flow_timer": {"en": "A wait or time limit of a flow", "zh": "流程的等待或时限"},
    "mail": {"en": "A mail", "zh": "邮件"},
    "late_totals": {"en": "Totals worked out later", "zh": "稍后计算的汇总"},
}


@dataclass(frozen=True)
class FailedJob:
    """A dead letter as somebody may see it; what is about a record that he may not read keeps its error to itself."""

    key: str
    kind: str
    title: str
    app: str | None
    rule: str | None
    rule_title: str
    form: str | None
    record: int | None
    label: str
    to: str | None
    attempt: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    hidden: bool


@dataclass(frozen=True)
class Standing:
    """A paused rule, with its title, who paused it, and how many of its jobs wait."""

    pause: Pause
    title: str
    reason: str
    by: str
    waiting: int


def failed_jobs(tx: "Tx") -> list[FailedJob]:
    """The jobs that failed for good, the latest first."""
    rows = resting.dead_letters(tx.connection)
    about: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if place := _place(row["payload"]):
            about.setdefault(place[:2], set()).add(place[2])
    labels = {key: _labels(tx, *key, ids) for key, ids in about.items()}
    return [_failed(tx, row, labels) for row in rows]


def standing_rules(tx: "Tx", app: str | None = None) -> list[Standing]:
    """The rules that are paused, of one app or of all."""
    held = resting.held(tx.connection)
    return [_standing(tx, each, held) for each in pausing.pauses(tx.connection, app)]


def missed_schedules(tx: "Tx") -> list[tuple[Missed, str]]:
    """The schedules that were missed, each with the title of its rule."""
    return [(each, _title(tx, each.app, each.rule)) for each in missed.missed_schedules(tx.connection)]


def _failed(tx: "Tx", row: Mapping[str, Any], labels: Mapping[tuple[str, str], Mapping[int, str]]) -> FailedJob:
    payload, place = row["payload"], _place(row["payload"])
    label = labels[place[:2]].get(place[2]) if place else ""
    may_read = label is not None
    return FailedJob(
        key=row["key"],
        kind=row["kind"],
        title=say(KINDS.get(row["kind"], row["kind"]), tx.actor.language),
        app=row["app"],
        rule=_name(tx, row["app"], row["rule"]) if row["app"] and row["rule"] else None,
        rule_title=_title(tx, row["app"], row["rule"]) if row["app"] and row["rule"] else "",
        form=payload.get("form"),
        record=place[2] if place and may_read else None,
        label=label or "",
        to=payload.get("to") if may_read else None,
        attempt=row["attempt"],
        error=row["last_error"] if may_read else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        hidden=not may_read,
    )


def _standing(tx: "Tx", pause: Pause, held: Mapping[tuple[str, str], int]) -> Standing:
    person = tx.organisation.people.get(pause.by) if pause.by is not None else None
    reason, waiting = say(pause.reason, tx.actor.language), held.get((pause.app, pause.rule), 0)
    return Standing(pause, _title(tx, pause.app, pause.rule), reason, person.name if person else "", waiting)


def _place(payload: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """The record that a job is about: app, form, id."""
    app, form, record = payload.get("app"), payload.get("form"), payload.get("record")
    return (app, form, record) if app and form and record else None


def _labels(tx: "Tx", app: str, form: str, ids: set[int]) -> Mapping[int, str]:
    live = _live(tx, app)
    return labels_in(tx, live, form, ids) if live is not None else {}


def _title(tx: "Tx", app: str, rule: str) -> str:
    return say(pausing.title_of(tx.services, tx.connection, app, rule), tx.actor.language)


def _name(tx: "Tx", app: str, rule: str) -> str:
    """How a definition calls a rule; its id where it is gone."""
    live = _live(tx, app)
    found = live.rules.rules.get(rule) if live is not None else None
    return found.name if found is not None else rule


def _live(tx: "Tx", app: str) -> "CompiledApp | None":
    try:
        return tx.services.apps.live(tx, app)
    except NotFound:
        return None
