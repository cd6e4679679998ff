"""What rules thought: stored for those that ran, refused or failed; for the rest evaluated again on demand.

Traces are shown through today's masks: a term that read a field which the viewer may not read keeps its value to
itself.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from engines import access
from engines.access import scope_needs, view
from engines.compiled import CompiledApp
from engines.computed.sources import shown_in_rows
from engines.events import MomentCame, RecordChanged
from engines.facts import Needs
from engines.json_values import moment_text
from engines.rules import CompiledRule, RuleTrace, why
from metadata.problems import ROOT, NotFound, Problem, Refusal
from metadata.text import Text, say
from runtime import history, storage
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.effect_json import read_value, write_value
from runtime.facts import facts_of
from runtime.rules import pausing
from runtime.rules.trace_words import Reader, tell

if TYPE_CHECKING:
    from runtime.transaction import Tx

trace = tables.trace
version = tables.record_version

KEPT = timedelta(days=30)


def note(tx: "Tx", app: CompiledApp, traces: Iterable[RuleTrace]) -> None:
    """Keep what is worth telling, with the cause of this transaction."""
    for each in traces:
        if not each.is_told:
            continue
        tx.traces.append(
            {
                "id": new_id(),
                "app": app.name,
                "rule": each.rule,
                "rule_part": str(app.number),
                "form": each.form,
                "record": each.record,
                "event": each.event,
                "outcome": each.outcome,
                "detail": write_value(each.as_json()),
                "at": tx.now,
            }
        )


def of_record(tx: "Tx", app: CompiledApp, form: str, record: int, limit: int = 100) -> list[dict[str, Any]]:
    """What rules did about a record that the actor may read, the latest first."""
    wanted = (trace.c.app == app.name) & (trace.c.form == form) & (trace.c.record == record)
    return _shown(tx, app, wanted, limit)


def of_rule(tx: "Tx", app: CompiledApp, rule: str, limit: int = 100) -> list[dict[str, Any]]:
    """The last times a rule ran; records that the actor may not read are left out."""
    return _shown(tx, app, (trace.c.app == app.name) & (trace.c.rule == rule), limit)


def why_not(
    tx: "Tx", app: CompiledApp, rule: CompiledRule, form: str, record: int, seq: int | None = None
) -> RuleTrace:
    """Evaluate a rule again, as it was live then, over a change of a record (the last, unless `seq` names another).

    For a rule that waits for a moment the record is taken as it is now. Nothing is done.
    """
    from runtime.gathering import answered

    if rule.trigger.source != "record":
        return _why_no_moment(tx, app, rule, form, record)
    row, event = _event(tx, app, form, record, seq)
    then = _rule_then(tx, app, rule.id, row["at"])
    if then is None:
        reason = {"en": "the rule was not there yet, or switched off", "zh": "当时规则还不存在或已停用"}
        return RuleTrace(
            rule.id, rule.name, "not_concerned", reason=reason, event=event.operation, form=form, record=record
        )
    facts = replace(facts_of(tx, app), now=row["at"])
    answer, _ = answered(tx, app, lambda known: why(then, event, known), facts)
    return replace(answer, reason=_standing_still(tx, app, rule.id, row["at"]) or answer.reason)


def _why_no_moment(tx: "Tx", app: CompiledApp, rule: CompiledRule, form: str, record: int) -> RuleTrace:
    from runtime.gathering import answered, completed

    now = next(iter(completed(tx, app, form, storage.load(tx, app, app.forms[form], [record]).values())), None)
    event = MomentCame(rule.id, "", tx.now, form, record, now)
    answer, _ = answered(tx, app, lambda known: why(rule, event, known), facts_of(tx, app))
    fired = tables.fired
    own = (fired.c.app == app.name) & (fired.c.rule == rule.id) & (fired.c.record == record)
    came = sorted(tx.connection.scalars(select(fired.c.occurrence).where(own)))
    reason: Text = {"en": "its moment has not come", "zh": "时间未到"}
    if standing := _standing_still(tx, app, rule.id, tx.now):
        reason = standing
    elif not _may_know_moment(tx, app, rule, form, record):
        reason = ""
    elif came:
        reason = {"en": f"its moment came, counted from {came[-1]}", "zh": f"已到时间，起算点为 {came[-1]}"}
    told = came and _may_know_moment(tx, app, rule, form, record)
    outcome = "not_concerned" if answer.outcome == "fired" and not told else answer.outcome
    return replace(answer, outcome=outcome, reason=reason, form=form, record=record)


def _may_know_moment(tx: "Tx", app: CompiledApp, rule: CompiledRule, form: str, record: int) -> bool:
    """Whether the actor may read what the rule's moment is counted from."""
    shown = _visible_fields(tx, app, form, [record]).get(record, frozenset())
    date, rows, child = (getattr(rule.when, name, None) for name in ("field", "rows", "child"))
    if child is not None and not any(each.is_everywhere for each in view(app, tx.actor, child).grants):
        return False
    own = app.forms[form].fields
    if rows in own and date is not None:
        return rows in shown and date in shown_in_rows(app.forms[form], own[rows], shown)
    return all(each in shown for each in (date, rows) if each in own)


def _standing_still(tx: "Tx", app: CompiledApp, rule: str, at: datetime) -> Text:
    """That the rule was paused at a moment, and why; nothing where it was not."""
    pause = next((each for each in pausing.pauses(tx.connection, app.name) if each.rule == rule), None)
    if pause is None or pause.since > at:
        return ""
    since, reason = moment_text(pause.since), pause.reason
    return {
        "en": f"the rule is paused since {since}" + (f": {say(reason, 'en')}" if reason else ""),
        "zh": f"规则自 {since} 起已暂停" + (f"：{say(reason, 'zh')}" if reason else ""),
    }


def _rule_then(tx: "Tx", app: CompiledApp, rule: str, at: datetime) -> CompiledRule | None:
    """The rule as it was live at a moment; as it is now where the app of then cannot be compiled any more."""
    manifest = tables.manifest
    before = (manifest.c.app == app.name) & (manifest.c.published_at <= at)
    then = select(manifest.c.id).where(before).order_by(manifest.c.published_at.desc(), manifest.c.id.desc()).limit(1)
    id = tx.connection.scalar(then)
    rules = app.rules.rules
    if id is not None:
        with suppress(Refusal):
            rules = tx.services.apps.of_manifest(tx.connection, id).rules.rules
    found = rules.get(rule)
    return found if found is not None and found.enabled else None


def show(tx: "Tx", app: CompiledApp, found: RuleTrace, language: str) -> dict[str, Any]:
    """A trace as JSON, through the actor's masks; NotFound where he may not read the record."""
    visible = _visible_fields(tx, app, found.form or "", [found.record or 0]).get(found.record or 0)
    if visible is None:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such record", "zh": "记录不存在"}))
    row = {"rule": found.rule, "event": found.event, "outcome": found.outcome, "form": found.form}
    told = tell(Reader(app, tx.actor, tx.organisation, language), row, found.as_json(), visible)
    told["failing"] = [term for term in told["terms"] if term["value"] is False]
    return told


def purge(tx: "Tx") -> int:
    """Forget traces that are older than they are kept."""
    return tx.connection.execute(delete(trace).where(trace.c.at < tx.now - KEPT)).rowcount


def _shown(tx: "Tx", app: CompiledApp, wanted: Any, limit: int) -> list[dict[str, Any]]:
    rows = tx.connection.execute(select(trace).where(wanted).order_by(trace.c.id.desc()).limit(limit)).mappings().all()
    ids: dict[str, set[int]] = {}
    for row in rows:
        if row["record"] is not None:
            ids.setdefault(row["form"], set()).add(row["record"])
    visible = {form: _visible_fields(tx, app, form, found) for form, found in ids.items()}
    told = []
    for row in rows:
        fields = visible[row["form"]].get(row["record"]) if row["record"] is not None else frozenset[str]()
        if fields is not None:
            detail = read_value(row["detail"])
            about = {"id": str(row["id"]), "at": moment_text(row["at"]), "cause": str(row["cause"])}
            record = str(row["record"]) if row["record"] is not None else None
            reader = Reader(app, tx.actor, tx.organisation, tx.actor.language)
            told.append({**about, "record": record, **tell(reader, row, detail, fields)})
    return told


def _visible_fields(tx: "Tx", app: CompiledApp, form: str, ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """For each of the records that the actor may read today, the fields that show in it."""
    from runtime.gathering import completed, fetch

    if form not in app.forms:
        return {}
    seen, facts = view(app, tx.actor, form), facts_of(tx, app)
    stored = storage.load(tx, app, app.forms[form], ids)
    records = dict(zip(stored, completed(tx, app, form, stored.values()), strict=True))
    needs = Needs(
        records=frozenset(key for record in records.values() for key in scope_needs(seen.grants, record, facts))
    )
    facts = facts | fetch(tx, app, needs, facts.actor) if needs else facts
    shown = {id: access.show(seen, record, facts) for id, record in records.items()}
    return {id: frozenset(values) for id, values in shown.items() if values is not None}


def _event(tx: "Tx", app: CompiledApp, form: str, record: int, seq: int | None) -> tuple[Any, RecordChanged]:
    """A change of a record as it was, from the images of the history, with its entry there."""
    from runtime.gathering import completed

    own = (version.c.app == app.name) & (version.c.form == form) & (version.c.record == record)
    if seq is not None:
        own &= version.c.seq <= seq
    last = select(version).where(own).order_by(version.c.seq.desc()).limit(2)
    rows = tx.connection.execute(last).mappings().all()
    if not rows:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such change", "zh": "没有这次修改"}))
    compiled = app.forms[form]
    images = completed(tx, app, form, [_image(tx, app, compiled, row) for row in rows])
    before = images[1] if len(images) > 1 else None
    op = rows[0]["op"]
    after = None if op == "delete" else images[0]
    return rows[0], RecordChanged(form, record, op, before, after, _changed(rows[0], before, images[0]))


def _image(tx: "Tx", app: CompiledApp, form: Any, row: Any) -> dict[str, Any]:
    (values,) = history.values_of(tx, form, [row["doc"] or {}])
    return {"id": row["record"], **values}


def _changed(row: Any, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> frozenset[str]:
    if row["changed"]:
        return frozenset(row["changed"])
    return frozenset(name for name, value in after.items() if before is None or before.get(name) != value)
