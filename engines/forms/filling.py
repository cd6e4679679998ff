"""Filling in what nobody wrote: the system fields of a new record, defaults, settings by option, formulas."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engines.action_values import expressions_in, value_now
from engines.compiled import CompiledField, CompiledForm
from engines.expressions import evaluate, missing_records
from engines.facts import Needs, RecordKey
from engines.forms.steps import Computation, Steps
from engines.forms.work import Save, settle
from engines.values import ValueProblem


def begin(save: Save) -> None:
    """The record before anything is written into it."""
    if save.before is not None:
        save.after = dict(save.before)
        return
    actor, now = save.request.actor, save.facts.now
    save.after = {
        "id": save.request.record,
        "version": 1,
        "owner": actor.member,
        "department": None,
        "created_at": now,
        "created_by": actor.member,
        "updated_at": now,
        "updated_by": actor.member,
        **save.form.blank,
    }


def settle_owner(save: Save) -> None:
    """The department of a record is its owner's, at the moment he becomes its owner."""
    typed = save.request.typed
    if "department" in typed or not (save.before is None or "owner" in typed):
        return
    person = save.facts.organisation.people.get(save.after["owner"])
    save.after["department"] = person.department if person is not None else None


def defaults_missing(save: Save, steps: Steps) -> frozenset[RecordKey]:
    """The linked records that computed defaults read and that are not known yet."""
    missing: frozenset[RecordKey] = frozenset()
    if save.request.is_new:
        expressions = [e for f in steps.computed_defaults if f.id not in save.given for e in expressions_in(f.default)]
        missing |= missing_records(expressions, save.after, save.facts) if expressions else frozenset()
    for row, row_steps, given in _new_rows(save, steps):
        expressions = [e for f in row_steps.computed_defaults if f.id not in given for e in expressions_in(f.default)]
        missing |= missing_records(expressions, save.after, save.facts, row=row) if expressions else frozenset()
    return missing


def fill_plain_defaults(save: Save, steps: Steps) -> None:
    """Give every field that nobody set its literal default, on new records and new rows."""
    if save.request.is_new:
        _fill_plain(steps.plain_defaults, save.after, save.given)
    for row, row_steps, given in _new_rows(save, steps):
        _fill_plain(row_steps.plain_defaults, row, given)


def fill_computed_defaults(save: Save, steps: Steps) -> Needs:
    """Work out the defaults that are expressions, in the order of the fields; one may lead the next to new records."""
    if save.request.is_new:
        for field in steps.computed_defaults:
            if field.id not in save.given and (wanted := _compute_default(save, field, save.after, None)):
                return wanted
    for row, row_steps, given in _new_rows(save, steps):
        for field in row_steps.computed_defaults:
            if field.id not in given and (wanted := _compute_default(save, field, row, row)):
                return wanted
    return Needs()


def apply_options(save: Save, steps: Steps) -> None:
    """A choice just taken gives other fields their values, unless this save gave them one on purpose."""
    _apply(save.form, steps, save.after, save.before, save.given)
    for field in steps.subforms:
        if field.subform is not None and steps.rows[field.id].setters:
            known = {row["id"]: row for row in (save.before or {}).get(field.id) or ()}
            for row in save.after[field.id]:
                given = save.given_in_rows.get(row["id"])
                _apply(field.subform, steps.rows[field.id], row, known.get(row["id"]), given)


def _apply(
    form: CompiledForm,
    steps: Steps,
    after: dict[str, Any],
    before: Mapping[str, Any] | None,
    given: set[str] | None,
) -> None:
    """Apply the settings of one record or row; a value counts as given where it differs from what was before."""
    old = before if before is not None else form.blank
    for field in steps.setters:
        value = after[field.id]
        if field.storage == "list" or value == old.get(field.id):
            continue
        option = field.choices.get(value)
        for name, setting in (option.sets if option is not None else {}).items():
            target = form.fields[form.field_ids[name]]
            on_purpose = (given is None or target.id in given) and after[target.id] != old.get(target.id)
            if not on_purpose:
                after[target.id] = target.kind.parse(setting, target)


def compute(save: Save, computations: Iterable[Computation], everything: bool) -> None:
    """Evaluate formulas in order; those that read nothing that changed keep their value."""
    for each in computations:
        if everything or _is_touched(save, each):
            _evaluate(save, each)


def compute_again(save: Save, computations: Iterable[Computation], moved: Iterable[str]) -> None:
    """Evaluate, in order, the formulas that read what has moved since they were evaluated last."""
    reached = set(moved)
    for each in computations:
        if each.rows is not None or each.reads & reached:
            _evaluate(save, each)
            reached.add(each.field.id)


def _evaluate(save: Save, each: Computation) -> None:
    if each.rows is None:
        _compute(save, each.field, each, save.after, None)
        return
    for index, row in enumerate(save.after.get(each.rows) or ()):
        _compute(save, each.field, each, row, row, index)


def own_rows(save: Save, steps: Steps) -> None:
    """Take copies of the rows, so that formulas never write into what was read before."""
    for field in steps.subforms:
        save.after[field.id] = tuple(dict(row) for row in save.after.get(field.id) or ())


def records_missing(save: Save, steps: Steps) -> Needs:
    """The linked records that conditions, validations and needed formulas read."""
    missing: frozenset[RecordKey] = frozenset()
    for each in steps.crossing:
        if each.rows is None:
            missing |= missing_records([each.expression], save.after, save.facts)
        else:
            for row in save.after.get(each.rows) or ():
                missing |= missing_records([each.expression], save.after, save.facts, row=row)
    return Needs(records=missing)


def _new_rows(save: Save, steps: Steps) -> Iterator[tuple[dict[str, Any], Steps, set[str]]]:
    if save.given_in_rows:
        for id, row_steps in steps.rows.items():
            for row in save.after.get(id) or ():
                if row["id"] in save.given_in_rows:
                    yield row, row_steps, save.given_in_rows[row["id"]]


def _fill_plain(fields: Iterable[CompiledField], into: dict[str, Any], given: set[str]) -> None:
    for field in fields:
        if field.id not in given and field.default is not None:
            into[field.id] = field.default.literal


def _compute_default(save: Save, field: CompiledField, into: dict[str, Any], row: Mapping[str, Any] | None) -> Needs:
    assert field.default is not None
    missing = missing_records(expressions_in(field.default), save.after, save.facts, row=row)
    if missing:
        return Needs(records=missing)
    try:
        value = value_now(field.default, save.environment(row), save.request.actor.language)
        into[field.id] = settle(value, field)
    except ValueProblem as problem:
        save.say(field if row is None else None, problem)
    return Needs()


def _is_touched(save: Save, each: Computation) -> bool:
    return save.before is None or each.rows is not None or any(save.changed(id) for id in each.reads)


def _compute(
    save: Save,
    field: CompiledField,
    computation: Computation,
    into: dict[str, Any],
    row: Mapping[str, Any] | None,
    index: int = 0,
) -> None:
    try:
        into[field.id] = settle(evaluate(computation.expression, save.environment(row)), field)
    except ValueProblem as problem:
        if row is None:
            save.say(field, problem)
        elif computation.rows is not None:
            save.say(save.form.fields[computation.rows], problem, index, field.name)
