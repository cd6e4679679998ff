"""The door: every record that is created, changed, deleted or restored comes through here, in one fixed order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engines import Decision, SaveRequest, access, decide
from engines.access import Grant
from engines.compiled import CompiledApp, CompiledForm
from engines.events import RecordChanged
from engines.facts import Facts, Needs
from engines.json_values import id_in
from metadata.problems import ROOT, Invalid, Problem
from runtime import storage
from runtime.db.ids import new_id
from runtime.facts import facts_of
from runtime.flows import task_access
from runtime.flows.task_access import task_grants
from runtime.gathering import answered, completed, completed_with, fetch
from runtime.history import timeline
from runtime.reading.refusals import no_form
from runtime.records import dependants, holding, writing
from runtime.records.locking import lock_for
from runtime.records.numbering import next_numbers
from runtime.rules import traces

if TYPE_CHECKING:
    from runtime.transaction import Tx

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Saved:
    """What a save made: `record` is the whole truth by field id, for engines only; people are shown `get(...)`."""

    id: int
    version: int
    changed: frozenset[str]
    is_new: bool
    record: Mapping[str, Any]


def save(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    id: int | None,
    values: Mapping[str, Any],
    version: int | None = None,
    *,
    typed: Mapping[str, Any] = NOTHING,
    check_version: bool = True,
) -> Saved:
    """Create a record (id None) or change one, with everything that follows from it (docs/architecture.md, S1).

    `values` come from outside, by name; `typed` from rules, flows and the platform, by id. Without `check_version`
    the caller has made sure of the version himself, or may overwrite what he has not seen.
    """
    compiled = _form(app, form)
    tx.budget.spend_write()
    if id is None:
        return _create(tx, app, compiled, values, typed)
    return _change(tx, app, compiled, id, values, version, typed, check_version)


def delete(
    tx: "Tx", app: CompiledApp, form: str, id: int, version: int | None = None, *, check_version: bool = True
) -> None:
    """Put a record into the trash, with what belongs to it; refused while others need it."""
    compiled = _form(app, form)
    tx.budget.spend_write()
    lock = _lock(tx, app, compiled, id, {})
    held = holding.hold(tx, app, compiled, id, "delete")
    holding.check_version(tx, app, compiled, held, version, check_version)
    if lock is not None:
        raise lock.refusal()
    (before,) = completed(tx, app, compiled.id, [held.record])
    _ask_early_rules_about_deletion(tx, app, compiled, before)
    dependants.release(tx, app, compiled, id)
    after = writing.touched(tx, app, compiled, held.record, deleted_at=tx.now)
    writing.write_system(tx, compiled, held.record, after)
    writing.follow_up(tx, app, compiled, "delete", held.record, after, frozenset(), {})


def restore(tx: "Tx", app: CompiledApp, form: str, id: int, version: int | None = None) -> Saved:
    """Take a record out of the trash, with what was deleted along with it; today's checks hold for it."""
    compiled = _form(app, form)
    tx.budget.spend_write()
    lock_for(tx, app, compiled, id, {})
    held = holding.hold(tx, app, compiled, id, "restore", deleted=True)
    holding.check_version(tx, app, compiled, held, version, version is not None)
    request = SaveRequest(compiled.id, "update", {}, tx.actor, id, system=True)
    (before,), known = completed_with(tx, app, compiled.id, [held.record])
    _decided(tx, app, compiled, request, before, known)
    after = writing.touched(tx, app, compiled, held.record, deleted_at=None)
    with holding.told_when_not_unique(compiled, None):
        writing.write_system(tx, compiled, held.record, after)
    writing.follow_up(tx, app, compiled, "restore", held.record, after, frozenset(), {})
    dependants.bring_back(tx, app, compiled, id, held.record["deleted_at"])
    return Saved(id, after["version"], frozenset(), False, after)


def assign(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    id: int,
    owner: int | None,
    version: int | None = None,
    *,
    check_version: bool = True,
) -> Saved:
    """Hand a record to another member; a right of its own, and the one way by which an owner changes."""
    compiled = _form(app, form)
    tx.budget.spend_write()
    lock = _lock(tx, app, compiled, id, {})
    held = holding.hold(tx, app, compiled, id, "assign")
    holding.check_version(tx, app, compiled, held, version, check_version)
    if lock is not None:
        raise lock.refusal()
    request = SaveRequest(compiled.id, "update", {}, tx.actor, id, typed={"owner": owner}, system=True)
    return _decide_and_write(tx, app, compiled, held.record, request, ())


def history_of(tx: "Tx", app: CompiledApp, form: str, id: int, limit: int = 100) -> list[timeline.Entry]:
    """What was changed in a record that the actor sees, the latest first, through today's masks; a right of its own."""
    compiled = _form(app, form)
    held = holding.hold(tx, app, compiled, id, "see_history")
    return timeline.of_record(tx, app, compiled, id, held.readable, limit)


def load(tx: "Tx", app: CompiledApp, form: str, id: int) -> Mapping[str, Any] | None:
    """The whole record as it is, for engines only; None where there is none, or it lies in the trash."""
    record = storage.load(tx, app, app.form(form), [id]).get(id)
    return record if record is not None and record["deleted_at"] is None else None


# --- creating and changing ---


def _create(
    tx: "Tx", app: CompiledApp, form: CompiledForm, values: Mapping[str, Any], typed: Mapping[str, Any]
) -> Saved:
    seen = access.view(app, tx.actor, form.id)
    grants = access.view(app, tx.actor, form.id, "create").grants
    if not grants:
        raise holding.not_allowed(form, "create") if seen.grants else no_form()
    request = _request(tx, form, new_id(), "create", values, typed, grants, seen.fields)
    lock_for(tx, app, form, None, {**values, **typed})
    decision, facts = _decided(tx, app, form, request, None, facts_of(tx, app))
    holding.check_scope_after(tx, app, form, grants, decision, facts, request)
    after, rows = writing.with_row_ids(form, decision)
    after = {**after, "deleted_at": None, storage.SEQ: 0}
    with holding.told_when_not_unique(form, seen):
        storage.insert(tx, form, after)
        for field, changes in rows.items():
            storage.write_rows(tx, form.fields[field], after["id"], (), changes)
    writing.follow_up(tx, app, form, "create", None, after, decision.changed, rows, decision.trace)
    return Saved(after["id"], after["version"], decision.changed, True, after)


def _change(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    id: int,
    values: Mapping[str, Any],
    version: int | None,
    typed: Mapping[str, Any],
    check_version: bool,
) -> Saved:
    lock = _lock(tx, app, form, id, {**values, **typed})
    held = holding.hold(tx, app, form, id, "update")
    before = held.record
    holding.check_version(tx, app, form, held, version, check_version)
    if lock is not None:  # a field that does not exist for the actor is unknown to him, locked or not
        named = (form.field_ids.get(name, name) for name in (*values, *typed))
        known = held.readable | holding.editable_fields(form, held.grants, held.readable)
        lock.refuse_unless([each for each in named if each in known], form.fields)
    request = _request(tx, form, id, "update", values, typed, held.grants, held.readable, lock)
    grants = access.view(app, tx.actor, form.id, "update", task_grants(tx, app, tx.actor)).grants
    return _decide_and_write(tx, app, form, before, request, grants)


def _decide_and_write(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    before: Mapping[str, Any],
    request: SaveRequest,
    grants: tuple[Grant, ...],
) -> Saved:
    (before,), known = completed_with(tx, app, form.id, [before])
    decision, facts = _decided(tx, app, form, request, before, known)
    if not decision.changed:
        traces.note(tx, app, decision.trace)
        return Saved(request.record, before["version"], frozenset(), False, before)
    if grants:
        holding.check_scope_after(tx, app, form, grants, decision, facts, request)
    after, rows = writing.with_row_ids(form, decision)
    after = writing.touched(tx, app, form, after)
    with holding.told_when_not_unique(form, access.view(app, tx.actor, form.id)):
        writing.write_change(tx, form, before, after, decision.changed, rows)
    writing.follow_up(tx, app, form, "update", before, after, decision.changed, rows, decision.trace)
    return Saved(request.record, after["version"], decision.changed, False, after)


def _request(
    tx: "Tx",
    form: CompiledForm,
    id: int,
    op: Any,
    values: Mapping[str, Any],
    typed: Mapping[str, Any],
    grants: tuple[Grant, ...],
    readable: frozenset[str],
    lock: task_access.Lock | None = None,
) -> SaveRequest:
    if tx.actor.is_system:
        return SaveRequest(form.id, op, values, tx.actor, id, typed=typed, system=True)
    editable = holding.editable_fields(form, grants, readable)
    unlocked = (lock.editable if lock is not None else None) or frozenset()
    return SaveRequest(form.id, op, values, tx.actor, id, readable | editable, editable, unlocked, typed)


def _decided(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    request: SaveRequest,
    before: Mapping[str, Any] | None,
    known: Facts,
) -> tuple[Decision, Facts]:
    """Steps 5 to 10: ask the engine, fetching what it lacks."""
    if links := _links_sent(form, request):
        known = known | fetch(tx, app, links, known.actor)
    try:
        return answered(
            tx,
            app,
            lambda facts: decide(app, request, before, facts),
            known,
            record=request.record,
            numbers=lambda fields: next_numbers(tx, app, form, fields),
        )
    except Invalid as refusal:
        traces.note(tx, app, refusal.trace)
        raise


def _links_sent(form: CompiledForm, request: SaveRequest) -> Needs:
    """The records that a new one names outright: the engine will ask for them, so they are looked at beforehand."""
    keys = set()
    for name, value in request.values.items() if request.is_new else ():
        field = form.field(name) if isinstance(value, str) else None
        if field is None or field.target is None or field.is_list or not request.may_edit(field.id):
            continue
        if (id := id_in(value)) is not None:
            keys.add((field.target, id))
    return Needs(readable=frozenset(keys))


# --- rights and versions ---


def _form(app: CompiledApp, name: str) -> CompiledForm:
    form = app.form(name)
    if form.parent is not None:
        raise no_form()
    return form


def _lock(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int, links: Mapping[str, Any]) -> task_access.Lock | None:
    """Lock what the save will touch, flow instances first; a flow that runs on the record is told of later."""
    if tx.actor.is_system or not app.flows:
        found = None
    else:
        found = task_access.locked_by(tx, app, form.id, id)
    lock_for(tx, app, form, id, links)
    return found


def _ask_early_rules_about_deletion(tx: "Tx", app: CompiledApp, form: CompiledForm, record: Mapping[str, Any]) -> None:
    """Rules may refuse a deletion; there is nothing left for them to set."""
    if app.rules is None:
        return
    event = RecordChanged(form.id, record["id"], "delete", record, None)
    answer, _ = answered(tx, app, lambda facts: app.rules.early(event, facts), facts_of(tx, app))
    traces.note(tx, app, answer.trace)
    refusals = [each.message for each in answer.effects if hasattr(each, "message")]
    if refusals:
        raise Invalid(*[Problem(ROOT, "refused_by_rule", message) for message in refusals])
