"""What a record computes over links or with the clock, worked out for those who judge it without saving it."""

from collections.abc import Iterable, Mapping
from typing import Any

from engines.compiled import CompiledApp
from engines.expressions import Environment, evaluate, missing_records
from engines.facts import Facts, Needs, RecordKey
from engines.forms.steps import Computation, steps_of
from engines.forms.work import settle
from engines.values import ValueProblem

Record = Mapping[str, Any]


def complete(app: CompiledApp, form: str, record: Record, facts: Facts) -> Record | Needs:
    """A stored record with the computed fields that some expression of the app reads, in its rows too."""
    computations = steps_of(app, app.forms[form]).computed
    if not computations or all(_is_there(each, record) for each in computations):
        return record
    whole = dict(record)
    for rows in {each.rows for each in computations if each.rows is not None}:
        whole[rows] = tuple(dict(row) for row in record.get(rows) or ())
    return compute(computations, whole, facts) or whole


def compute(computations: Iterable[Computation], whole: dict[str, Any], facts: Facts) -> Needs:
    """Write into a record what it computes, in order; what rests on a record that is not known yet has to wait."""
    missing: set[RecordKey] = set()
    for each in computations:
        for into in (whole,) if each.rows is None else whole.get(each.rows) or ():
            row = None if each.rows is None else into
            lacking = missing_records([each.expression], whole, facts, row=row)
            missing |= lacking
            if not lacking:
                into[each.field.id] = _value(each, Environment(whole, facts, row=row))
    return Needs(records=frozenset(missing))


def _value(each: Computation, environment: Environment) -> Any:
    try:
        return settle(evaluate(each.expression, environment), each.field)
    except ValueProblem:
        return None  # a sum beyond 15 digits: nobody is there to be told


def _is_there(each: Computation, record: Record) -> bool:
    holders = (record,) if each.rows is None else record.get(each.rows) or ()
    return all(each.field.id in holder for holder in holders)
