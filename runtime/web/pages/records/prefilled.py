"""What a new record or row begins with: defaults that need no record, worked out before anybody types."""

from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions import Environment, evaluate
from engines.facts import Facts
from metadata.expressions import Expression
from runtime.facts import facts_of
from runtime.transaction import Tx

Values = dict[str, Any]


def prefilled(tx: Tx, app: CompiledApp, form: CompiledForm) -> Values:
    """The defaults of a form or subform by field id; those that look at the record are given on saving."""
    return _values(form, facts_of(tx, app))


def prefilled_rows(tx: Tx, app: CompiledApp, form: CompiledForm) -> dict[str, Values]:
    """What new rows of each subform begin with, and under "labels" how the people in them are called."""
    facts = facts_of(tx, app)
    found = {}
    for each in form.subforms:
        assert each.subform is not None
        values = _values(each.subform, facts)
        people = tx.organisation.people
        members = {id: value for id, value in values.items() if each.subform.fields[id].type.name == "member"}
        labels = {id: people[value].name for id, value in members.items() if value in people}
        found[each.id] = {**values, "labels": labels}
    return found


def has_default(field: CompiledField) -> bool:
    """Whether a default is worked out from the rest of the record on saving, where nothing was typed."""
    default = field.default
    if default is None or default.expression is None:
        return default is not None and default.template is not None
    return not _is_known(default.expression)


def _is_known(default: Expression) -> bool:
    """Whether a computed default needs no record."""
    return not any(path[0] in ("record", "row", "old") for path in default.reads)


def _values(form: CompiledForm, facts: Facts) -> Values:
    found: Values = {}
    for id, field in form.fields.items():
        default = field.default
        if default is None or field.is_derived:
            continue
        if default.expression is not None:
            if _is_known(default.expression):
                found[id] = evaluate(default.expression, Environment({}, facts))
        elif default.template is None:
            found[id] = default.literal
    return {id: value for id, value in found.items() if value is not None}
