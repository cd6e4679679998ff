"""The derive pass: totals of other records that a save has moved, level by level, and the formulas that rest on them.

A derived write bumps neither version nor `updated_at`, or every child would make its parent's editor stale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.access import truth
from engines.compiled import CompiledApp, CompiledForm, Rollup
from engines.events import RecordChanged
from engines.expressions import Environment, evaluate, moment_of, where
from engines.facts import Facts
from engines.forms.execute import recalculate
from engines.reads import expressions_in
from engines.totals import total_columns, total_of
from runtime import history, storage
from runtime.locking import with_formulas
from runtime.question import facts_of

if TYPE_CHECKING:
    from runtime.transaction import Tx

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """What one record adds to a total: to which parent, and which value."""

    parent: int
    value: Any


@dataclass(frozen=True)
class Move:
    """How a record's part in a total changes."""

    rollup: Rollup
    before: Part | None
    after: Part | None


def derive(
    tx: "Tx", app: CompiledApp, form: CompiledForm, before: Record | None, after: Record | None
) -> list[RecordChanged]:
    """Bring the totals above a record up to date after it changed; answer what moved there."""
    if not form.rollups_from:
        return []
    facts = facts_of(tx, app)
    by_parent: dict[str, dict[int, list[Move]]] = {}
    for rollup in form.rollups_from:
        move = Move(rollup, _part(rollup, before, facts), _part(rollup, after, facts))
        if move.before != move.after:
            for parent in {part.parent for part in (move.before, move.after) if part is not None}:
                by_parent.setdefault(rollup.form, {}).setdefault(parent, []).append(move)
    events = []
    for parent_form in sorted(by_parent):
        events.extend(_move_parents(tx, app, app.forms[parent_form], by_parent[parent_form], facts))
    return events


def recompute(tx: "Tx", app: CompiledApp, rollup: Rollup, parent: int) -> Any:
    """A total from scratch, over the stored records."""
    key = ("recompute", rollup.form, rollup.field, tx.dialect)
    statement = app.memory.remember(key, lambda: _over_stored(tx, app, rollup))
    field = app.forms[rollup.form].fields[rollup.field]
    return total_of(rollup, field, tx.connection.execute(statement, {"parent": parent}).one())


def _over_stored(tx: "Tx", app: CompiledApp, rollup: Rollup) -> sa.Select[Any]:
    """The statement that totals; neither the person nor the clock has a part in it, so it is made once."""
    moment = moment_of(facts_of(tx, app))
    relation = truth(app, rollup.source, moment, tx.dialect)
    parent = sa.bindparam("parent", type_=sa.BigInteger())
    relation.where(relation.source.c[_column(app, rollup.source, rollup.link)] == parent)
    if rollup.where is not None:
        relation.where(where(rollup.where, relation, moment, tx.dialect))
    value = relation.column(rollup.value) if rollup.value is not None else relation.column("id")
    return relation.select(total_columns(rollup, value))


def _part(rollup: Rollup, record: Record | None, facts: Facts) -> Part | None:
    parent = record.get(rollup.link) if record is not None else None
    if record is None or parent is None or record.get("deleted_at") is not None:
        return None
    if rollup.where is not None and not evaluate(rollup.where, Environment(record, facts)):
        return None
    return Part(parent, record.get(rollup.value) if rollup.value is not None else None)


def _move_parents(
    tx: "Tx", app: CompiledApp, form: CompiledForm, moves: Mapping[int, list[Move]], facts: Facts
) -> list[RecordChanged]:
    storage.lock(tx, form.table, moves)
    events = []
    for id, before in sorted(storage.load(tx, app, form, moves).items()):
        moved = {each.rollup.field: _moved(tx, app, each, id, before) for each in moves[id]}
        moved = {field: value for field, value in moved.items() if value != before.get(field)}
        if not moved:
            continue
        tx.budget.spend_derived_write()
        after = {**before, **moved}
        if with_formulas(form, set(moved)) - moved.keys():
            formulas = recalculate(app, form.id, after, facts)
            moved, after = {**moved, **formulas}, {**after, **formulas}
        storage.update(tx, form, id, moved)
        _remember(tx, app, form, before, after, frozenset(moved))
        if before["deleted_at"] is None:
            events.append(RecordChanged(form.id, id, "derived", before, after, frozenset(moved)))
        events.extend(derive(tx, app, form, before, after))
    return events


def _moved(tx: "Tx", app: CompiledApp, move: Move, parent: int, record: Record) -> Any:
    """The new total of a parent: by what came and went where that suffices, else from scratch."""
    rollup, old = move.rollup, record.get(move.rollup.field)
    gone = move.before if move.before is not None and move.before.parent == parent else None
    come = move.after if move.after is not None and move.after.parent == parent else None
    match rollup.function:
        case "count":
            return (old or Decimal(0)) + (come is not None) - (gone is not None)
        case "sum":
            plus, minus = (part.value or Decimal(0) if part is not None else Decimal(0) for part in (come, gone))
            return (old or Decimal(0)) + plus - minus
        case "min" | "max" if _only_widens(rollup, old, gone, come):
            assert come is not None
            return come.value if old is None else (min if rollup.function == "min" else max)(old, come.value)
    return recompute(tx, app, rollup, parent)


def _only_widens(rollup: Rollup, old: Any, gone: Part | None, come: Part | None) -> bool:
    """Whether an extreme can only have moved outwards, because what went was not the extreme."""
    if come is None or come.value is None:
        return False
    return gone is None or gone.value is None or (gone.value != old and old is not None)


def _remember(
    tx: "Tx", app: CompiledApp, form: CompiledForm, before: Record, after: Record, moved: frozenset[str]
) -> None:
    """Keep a history entry where a rule, a scope or a stage looks at what moved."""
    if moved & (_looked_at(app) | set(form.stages)) or history.changes(tx).get((app.name, form.id, after["id"])):
        seq = int(before.get(storage.SEQ) or 0)
        history.note_change(tx, history.Change(app, form, "derived", before, after, moved, seq))


def _looked_at(app: CompiledApp) -> frozenset[str]:
    """Every field that some rule, flow or access entry reads."""
    found: frozenset[str] = app.memory.remember(
        ("looked at",),
        lambda: frozenset(
            step
            for each in expressions_in((app.access.grants, app.rules, app.flows))
            for path in each.reads
            for step in path[1:]
        ),
    )
    return found


def _column(app: CompiledApp, form: str, field: str) -> str:
    return app.forms[form].fields[field].column or ""
