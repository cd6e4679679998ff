"""The derive pass: totals of other records that a save has moved, level by level, and the formulas that rest on them.

A derived write bumps neither version nor `updated_at`, or every child would make its parent's editor stale. What would
take too long within the save is only marked here, and follows by a job (`runtime/totals/late_totals.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledForm, Rollup
from engines.computed.reads import expressions_in
from engines.events import RecordChanged
from engines.expressions import moment_of
from engines.facts import Facts
from engines.forms.execute import recalculate
from engines.relation.totals import parts_of, sources_of, total_of, totals_by_parent
from runtime import history, storage
from runtime.facts import facts_of
from runtime.reading.parameters import among
from runtime.records.locking import with_formulas
from runtime.totals import late_totals

if TYPE_CHECKING:
    from runtime.transaction import Tx

MOST_PARENTS = 1_000  # of one form that one change moves within its save
MOST_COUNTED_ANEW = 10_000  # records below a parent whose total is not moved by what came and went

Record = Mapping[str, Any]
Values = Counter[Any]


@dataclass(frozen=True)
class Move:
    """How a total moves: which values leave it, and which come."""

    rollup: Rollup
    gone: Values
    come: Values


Moves = dict[int, list[Move]]
Totals = dict[int, dict[str, Any]]  # new totals by parent and field


def derive(
    tx: "Tx", app: CompiledApp, form: CompiledForm, before: Record | None, after: Record | None
) -> list[RecordChanged]:
    """Bring the totals above a record up to date after it changed; answer what moved there."""
    return _derive(tx, app, form, [(before, after)])


def renew(tx: "Tx", app: CompiledApp, form: CompiledForm, due: Mapping[str, Iterable[int]]) -> list[RecordChanged]:
    """Work out totals (by field, of these parents, which are locked) from scratch; answer what moved."""
    totals: Totals = {}
    for rollup in form.rollups:
        for parent, total in recompute(tx, app, rollup, due.get(rollup.field, ())).items():
            totals.setdefault(parent, {})[rollup.field] = total
    records = storage.load(tx, app, form, totals)
    return _write(tx, app, form, records, totals, facts_of(tx, app))


def recompute(tx: "Tx", app: CompiledApp, rollup: Rollup, parents: Iterable[int]) -> dict[int, Any]:
    """The totals of some parents from scratch, over the stored records; one statement."""
    ids = sorted(set(parents))
    if not ids:
        return {}
    statement = app.memory.remember(("totals", rollup.form, rollup.field, tx.dialect), lambda: _anew(tx, app, rollup))
    found = {row.parent: row for row in tx.connection.execute(statement, {"ids": ids})}
    field = app.forms[rollup.form].fields[rollup.field]
    return {id: total_of(rollup, field, found.get(id)) for id in ids}


# --- what moves ---


def _derive(
    tx: "Tx", app: CompiledApp, form: CompiledForm, changes: Sequence[tuple[Record | None, Record | None]]
) -> list[RecordChanged]:
    if not form.rollups_from:
        return []
    facts = facts_of(tx, app)
    by_form: dict[str, Moves] = {}
    for rollup in form.rollups_from:
        for parent, move in _moves(rollup, changes, facts).items():
            if rollup.eventual:
                late_totals.mark(tx, app, rollup, [parent])
            else:
                by_form.setdefault(rollup.form, {}).setdefault(parent, []).append(move)
    events = []
    for parent_form in sorted(by_form):
        events.extend(_move_parents(tx, app, app.forms[parent_form], by_form[parent_form], facts))
    return events


def _moves(rollup: Rollup, changes: Sequence[tuple[Record | None, Record | None]], facts: Facts) -> dict[int, Move]:
    gone, come = dict[int, Values](), dict[int, Values]()
    for before, after in changes:
        for record, values in ((before, gone), (after, come)):
            for parent, value in parts_of(rollup, record, facts):
                values.setdefault(parent, Counter())[value] += 1
    empty: Values = Counter()
    moves = {}
    for parent in gone.keys() | come.keys():
        was, now = gone.get(parent, empty), come.get(parent, empty)
        if was != now:
            moves[parent] = Move(rollup, was - now, now - was)
    return moves


def _move_parents(tx: "Tx", app: CompiledApp, form: CompiledForm, moves: Moves, facts: Facts) -> list[RecordChanged]:
    """Move the totals of some parents, all at once; too many for one save are left to a job."""
    if len(moves) > MOST_PARENTS or not tx.budget.spend_derived_writes(len(moves)):
        for parent, each in moves.items():
            for move in each:
                late_totals.mark(tx, app, move.rollup, [parent])
        return []
    storage.lock(tx, form.table, moves)
    records = storage.load(tx, app, form, moves)
    totals: Totals = {id: {} for id in records}
    anew: dict[str, list[int]] = {}
    for id, record in records.items():
        for move in moves[id]:
            if _is_known_by_delta(move, record):
                totals[id][move.rollup.field] = _by_delta(move, record)
            else:
                anew.setdefault(move.rollup.field, []).append(id)
    for rollup in form.rollups:
        for id, total in _counted_anew(tx, app, rollup, anew.get(rollup.field, [])).items():
            totals[id][rollup.field] = total
    return _write(tx, app, form, records, totals, facts)


def _is_known_by_delta(move: Move, record: Record) -> bool:
    """Whether what came and went tells the new total: always for sums, for extremes when they only widen."""
    if move.rollup.function in ("count", "sum"):
        return True
    old, come = record.get(move.rollup.field), [value for value in move.come if value is not None]
    if move.rollup.function not in ("min", "max") or not come:
        return False
    gone = [value for value in move.gone if value is not None]
    return not gone or (old is not None and old not in gone)


def _by_delta(move: Move, record: Record) -> Any:
    old = record.get(move.rollup.field)
    match move.rollup.function:
        case "count":
            return (old or Decimal(0)) + move.come.total() - move.gone.total()
        case "sum":
            return (old or Decimal(0)) + _sum(move.come) - _sum(move.gone)
    known = [value for value in (old, *move.come) if value is not None]
    return min(known) if move.rollup.function == "min" else max(known)


def _sum(values: Values) -> Decimal:
    return sum(((value or Decimal(0)) * times for value, times in values.items()), Decimal(0))


# --- from scratch ---


def _counted_anew(tx: "Tx", app: CompiledApp, rollup: Rollup, parents: Sequence[int]) -> dict[int, Any]:
    """Totals from scratch; parents with very many records below them are left to a job."""
    if not parents:
        return {}
    key = ("hot", rollup.form, rollup.field, tx.dialect)
    statement = app.memory.remember(key, lambda: _with_very_many(tx, app, rollup))
    hot = set(tx.connection.scalars(statement, {"ids": sorted(parents)}))
    late_totals.mark(tx, app, rollup, hot)
    return recompute(tx, app, rollup, set(parents) - hot)


def _anew(tx: "Tx", app: CompiledApp, rollup: Rollup) -> sa.Select[Any]:
    """The statement that totals; neither the person nor the clock has a part in it, so it is made once."""
    sources = sources_of(app, rollup, moment_of(facts_of(tx, app)), tx.dialect)
    return totals_by_parent(rollup, sources, among(sources.parent))


def _with_very_many(tx: "Tx", app: CompiledApp, rollup: Rollup) -> sa.Select[Any]:
    """Select the parents below which there are more than can be counted in a save; it looks no further than that."""
    parent = app.forms[rollup.form].table.alias()
    sources = sources_of(app, rollup, moment_of(facts_of(tx, app)), tx.dialect)
    below = sources.select({"one": sa.literal(1)}, sources.parent == parent.c.id)
    one_more = below.correlate(parent).limit(1).offset(MOST_COUNTED_ANEW).scalar_subquery()
    return sa.select(parent.c.id).where(among(parent.c.id), one_more.is_not(None))


# --- writing ---


def _write(
    tx: "Tx", app: CompiledApp, form: CompiledForm, records: Mapping[int, Record], totals: Totals, facts: Facts
) -> list[RecordChanged]:
    """Store what moved with the formulas that rest on it, and go on with the totals above."""
    changes: list[tuple[Record | None, Record | None]] = []
    written: dict[int, dict[str, Any]] = {}
    events = []
    for id, before in sorted(records.items()):
        moved = {field: total for field, total in totals[id].items() if total != before.get(field)}
        if not moved:
            continue
        after = {**before, **moved}
        if with_formulas(form, set(moved)) - moved.keys():
            formulas = recalculate(app, form.id, after, facts)
            moved, after = {**moved, **formulas}, {**after, **formulas}
        written[id] = moved
        _remember(tx, app, form, before, after, frozenset(moved))
        if before["deleted_at"] is None:
            events.append(RecordChanged(form.id, id, "derived", before, after, frozenset(moved)))
        changes.append((before, after))
    storage.update_many(tx, form, written)
    return [*events, *_derive(tx, app, form, changes)]


def _remember(
    tx: "Tx", app: CompiledApp, form: CompiledForm, before: Record, after: Record, moved: frozenset[str]
) -> None:
    """Keep a history entry where a rule, a scope or a stage looks at what moved."""
    if moved & (_looked_at(app) | set(form.stages)) or history.changes(tx).get((app.name, form.id, after["id"])):
        seq = int(before.get(storage.SEQ) or 0)
        history.note_change(tx, history.Change(app, form, "derived", before, after, moved, seq))


def _looked_at(app: CompiledApp) -> frozenset[str]:
    """Every field that some rule, flow or access entry reads."""
    return app.memory.remember(
        ("looked at",),
        lambda: frozenset(
            step
            for each in expressions_in((app.access.grants, app.rules, app.flows))
            for path in each.reads
            for step in path[1:]
        ),
    )
