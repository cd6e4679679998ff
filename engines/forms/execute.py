"""Whether values make a record: the pure decision behind every save (docs/architecture.md, S1, steps 5 to 10)."""

from collections.abc import Mapping
from typing import Any

from engines.compiled import CompiledApp, EarlyRules
from engines.effects import Refuse, SetFields
from engines.events import RecordChanged
from engines.expressions import Environment, evaluate
from engines.facts import Facts, Needs
from engines.forms import checking, completing, filling
from engines.forms.incoming import accept
from engines.forms.numbering import number_text
from engines.forms.rows import row_changes
from engines.forms.save import Decision, RowChanges, SaveRequest
from engines.forms.steps import Steps, steps_of
from engines.forms.work import Save, settle
from engines.values import ValueProblem
from metadata.problems import ROOT, Problem

__all__ = ["Decision", "RowChanges", "SaveRequest", "execute", "recalculate"]


def execute(app: CompiledApp, request: SaveRequest, before: Mapping[str, Any] | None, facts: Facts) -> Decision | Needs:
    """Decide what a save makes of a record, or say which facts are missing; raise Invalid with all problems."""
    form = app.forms[request.form]
    steps = steps_of(app, form)
    save = Save(app, form, request, before, facts)

    filling.begin(save)
    accept(save)
    filling.settle_owner(save)
    filling.own_rows(save, steps)
    filling.fill_plain_defaults(save, steps)
    if wanted := _wanted(save, steps, defaults=True):
        return wanted
    if wanted := filling.fill_computed_defaults(save, steps):
        return wanted
    filling.apply_options(save, steps)
    if wanted := _calculate(save, steps):
        return wanted

    if save.app.rules is not None and save.app.rules.looks_early(form.id):
        calculated = dict(save.after)
        if wanted := _ask_early_rules(save, steps):
            return wanted
        moved = {id for id, value in save.after.items() if value != calculated.get(id)}
        if moved and (wanted := _calculate_again(save, steps, moved)):
            return wanted

    checking.check(save, steps)
    save.raise_problems()
    if wanted := _number(save, steps):
        return wanted
    return _decision(save, steps)


def recalculate(app: CompiledApp, form: str, record: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The stored formulas of a record whose roll-ups have moved: those that now have another value, by field id."""
    compiled = app.forms[form]
    after = dict(record)
    for each in steps_of(app, compiled).formulas:
        if each.rows is None:
            value = evaluate(each.expression, Environment(after, facts))
            try:
                after[each.field.id] = settle(value, each.field)
            except ValueProblem:
                after[each.field.id] = None  # a sum beyond 15 digits: nobody is there to be told
    return {id: after[id] for id in compiled.fields if after.get(id) != record.get(id)}


def _wanted(save: Save, steps: Steps, defaults: bool = False) -> Needs:
    """Everything that can be seen to be missing by now, so that it is fetched in one round."""
    wanted = checking.facts_wanted(save, steps)
    if steps.crossing:
        wanted |= filling.records_missing(save, steps)
    if defaults:
        wanted |= Needs(records=filling.defaults_missing(save, steps))
    return wanted


def _calculate(save: Save, steps: Steps) -> Needs:
    """Formulas, then what is computed over links for those who read it in this save."""
    filling.compute(save, steps.formulas, everything=save.before is None)
    return _compute_over_links(save, steps)


def _calculate_again(save: Save, steps: Steps, moved: set[str]) -> Needs:
    """What rests on the fields that rules have set."""
    filling.compute_again(save, steps.formulas, moved)
    return _compute_over_links(save, steps)


def _compute_over_links(save: Save, steps: Steps) -> Needs:
    """The computed values can lead to records in turn, which conditions and validations then look at."""
    return completing.compute(steps.computed, save.after, save.facts) | _wanted(save, steps)


def _ask_early_rules(save: Save, steps: Steps) -> Needs:
    """Let the rules that touch only this record speak; what they set is read like any other value."""
    if save.problems:
        return Needs()
    changed = save.changes(save.form.fields)
    event = RecordChanged(save.form.id, save.request.record, save.request.op, save.before, dict(save.after), changed)
    rules: EarlyRules = save.app.rules
    answer = rules.early(event, save.facts)
    if isinstance(answer, Needs):
        return answer
    save.trace = tuple(answer.trace)
    for effect in answer.effects:
        if isinstance(effect, SetFields):
            _set(save, effect.values)
        elif isinstance(effect, Refuse):
            field = save.form.field(effect.field or "")
            save.say(field, Problem(ROOT, "refused_by_rule", effect.message))
    filling.apply_options(save, steps)
    return Needs()


def _set(save: Save, values: Mapping[str, Any]) -> None:
    for id, value in values.items():
        field = save.form.fields.get(id)
        try:
            save.after[id] = settle(value, field) if field is not None else value
        except ValueProblem as problem:
            save.say(field, problem)
        save.given.add(id)


def _number(save: Save, steps: Steps) -> Needs:
    """Give a new record its automatic numbers: the very last thing, so that a refusal uses none up."""
    if not save.request.is_new:
        return Needs()
    missing = frozenset(field.id for field in steps.numbers if field.id not in save.facts.numbers)
    if missing:
        return Needs(numbers=missing)
    for field in steps.numbers:
        count = int(save.facts.numbers[field.id])
        save.after[field.id] = number_text(field, save.form, count, save.facts.today, save.after)
    return Needs()


def _decision(save: Save, steps: Steps) -> Decision:
    own = [id for id, field in save.form.fields.items() if field.storage != "computed"]
    changed = save.changes(own if save.before is None else [*own, "owner", "department"])
    rows = {
        field.id: row_changes(field.subform, (save.before or {}).get(field.id) or (), save.after[field.id])
        for field in steps.subforms
        if field.id in changed and field.subform is not None
    }
    return Decision(save.after, changed, rows, save.trace)
