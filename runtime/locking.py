"""Which records a save locks before it reads: the totals above it first, from the top down, then the record itself."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from engines.compiled import CompiledApp, CompiledForm, Rollup
from engines.json_values import id_in
from runtime import storage

if TYPE_CHECKING:
    from runtime.transaction import Tx

MOST_LEVELS = 4  # totals of totals; what lies further up is locked when it moves

Keys = dict[str, set[int]]  # record ids by form id


def lock_for(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int | None, links: Mapping[str, Any]) -> None:
    """Lock the parents whose totals may move (before and after the save, `links` by name or id), then the record.

    On SQLite the one writer is locked already. A parent that only a rule brings in is locked when its total moves;
    should two savers meet there crosswise, the database ends one of them and the save begins anew.
    """
    if not tx.database.is_postgresql:
        return
    levels = _levels_above(tx, app, form, id, links)
    for level in reversed(levels):
        for parent in sorted(level):
            storage.lock(tx, app.forms[parent].table, level[parent])
    if id is not None:
        storage.lock(tx, form.table, [id])


def _levels_above(
    tx: "Tx", app: CompiledApp, form: CompiledForm, id: int | None, links: Mapping[str, Any]
) -> list[Keys]:
    """The records whose totals rest on this one: parents, then grandparents, and so on up."""
    if not form.rollups_from:
        return []
    chosen = {rollup.link for rollup in form.rollups_from}
    known = storage.links_of(tx, form, chosen, [id]) if id is not None else {}
    parents: Keys = {}
    for rollup in form.rollups_from:
        name = form.fields[rollup.link].name
        asked = {id for each in (name, rollup.link) if (id := _id(links.get(each))) is not None}
        parents.setdefault(rollup.form, set()).update(known.get(rollup.link, set()) | asked)
    levels, moved = [parents], {rollup.field for rollup in form.rollups_from}
    while len(levels) < MOST_LEVELS and (above := _next_level(tx, app, levels[-1], moved)):
        levels.append(above)
    return levels


def _next_level(tx: "Tx", app: CompiledApp, level: Keys, moved: set[str]) -> Keys:
    above: Keys = {}
    for parent, ids in level.items():
        form = app.forms[parent]
        resting = [each for each in form.rollups_from if rests_on(form, each, moved)]
        found = storage.links_of(tx, form, {each.link for each in resting}, ids)
        for each in resting:
            above.setdefault(each.form, set()).update(found.get(each.link, set()))
            moved.add(each.field)
    return {form: ids for form, ids in above.items() if ids}


def rests_on(form: CompiledForm, rollup: Rollup, moved: Iterable[str]) -> bool:
    """Whether a total reads one of these fields of its source, or a formula over them."""
    return bool(rollup.reads & with_formulas(form, set(moved)))


def with_formulas(form: CompiledForm, moved: set[str]) -> set[str]:
    """These fields and the stored formulas of the form that rest on them."""
    reached = set(moved)
    for holder, id in form.formula_order:
        field = form.fields.get(id) if holder == form.id else None
        if field is not None and field.expression is not None:
            read = {step for path in field.expression.reads for step in path[1:]}
            if read & reached:
                reached.add(id)
    return reached


def _id(value: Any) -> int | None:
    if isinstance(value, str):
        return id_in(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
