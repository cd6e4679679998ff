"""Which records a save locks before it reads: the totals above it first, from the top down, then the record itself."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledForm, Rollup
from engines.json_values import id_in
from runtime import storage
from runtime.reading.parameters import among

if TYPE_CHECKING:
    from runtime.transaction import Tx

Keys = dict[str, set[int]]  # record ids by form id


def lock_for(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int | None, links: Mapping[str, Any]) -> None:
    """Lock the parents whose totals may move (before and after the save, `links` by name or id), then the record.

    On SQLite the one writer is locked already. A parent that only a rule brings in is locked when its total moves;
    should two savers meet there crosswise, the database ends one of them and the save begins anew. Totals that follow
    by a job are not waited for.
    """
    if not tx.database.is_postgresql:
        return
    parents: Keys = {}
    rollups = [each for each in form.rollups_from if not each.eventual]
    for rollup in rollups:
        held = _parents_of(tx, app, rollup, [id]) if id is not None else set()
        parents.setdefault(rollup.form, set()).update(held, _asked(app, form, rollup, links))
    _lock_levels(tx, app, parents, {rollup.field for rollup in rollups})
    if id is not None:
        storage.lock(tx, form.table, [id])


def lock_totals(tx: "Tx", app: CompiledApp, form: CompiledForm, ids: Iterable[int], moved: Iterable[str]) -> None:
    """Lock records whose totals are worked out anew, after those above whose totals rest on them."""
    if tx.database.is_postgresql:
        _lock_levels(tx, app, {form.id: set(ids)}, set(moved))


def _lock_levels(tx: "Tx", app: CompiledApp, lowest: Keys, moved: set[str]) -> None:
    levels = [lowest]
    while above := _next_level(tx, app, levels[-1], moved):
        levels.append(above)
    for level in reversed(levels):
        for parent in sorted(level):
            storage.lock(tx, app.forms[parent].table, level[parent])


def _next_level(tx: "Tx", app: CompiledApp, level: Keys, moved: set[str]) -> Keys:
    above: Keys = {}
    for parent, ids in level.items():
        form = app.forms[parent]
        for each in form.rollups_from:
            if not each.eventual and rests_on(form, each, moved):
                above.setdefault(each.form, set()).update(_parents_of(tx, app, each, ids))
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


# --- to which parents records lead ---


def _parents_of(tx: "Tx", app: CompiledApp, rollup: Rollup, ids: Iterable[int]) -> set[int]:
    """To which records a roll-up's link leads from these records or their rows, without locking anything."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    statement = app.memory.remember(("parents", rollup.form, rollup.field), lambda: _links(app, rollup))
    return {parent for parent in tx.connection.scalars(statement, {"ids": wanted}) if parent is not None}


def _links(app: CompiledApp, rollup: Rollup) -> sa.Select[Any]:
    form = app.forms[rollup.rows or rollup.source]
    link = form.fields[rollup.link]
    record = form.table.c.id if rollup.rows is None else form.table.c.record
    if link.side_table is None:
        return sa.select(form.table.c[link.column or ""]).where(among(record))
    if rollup.rows is None:
        return sa.select(link.side_table.c.value).where(among(link.side_table.c.record))
    joined = form.table.join(link.side_table, link.side_table.c.record == form.table.c.id)
    return sa.select(link.side_table.c.value).select_from(joined).where(among(record))


def _asked(app: CompiledApp, form: CompiledForm, rollup: Rollup, links: Mapping[str, Any]) -> Iterator[int]:
    """The parents that a save names, whether by ids as text or as numbers; what is no id is told of later."""
    sources: list[Any] = [links]
    source = form
    if rollup.rows is not None:
        source = app.forms[rollup.rows]
        sources = [row for rows in _named(form, rollup.rows, links) if isinstance(rows, list | tuple) for row in rows]
    for each in sources:
        if isinstance(each, Mapping):
            for link in _named(source, rollup.link, each):
                yield from _ids(link)


def _named(form: CompiledForm, field: str, values: Mapping[str, Any]) -> Iterator[Any]:
    yield from (values[key] for key in (form.fields[field].name, field) if key in values)


def _ids(value: Any) -> Iterator[int]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, str):
        found = id_in(value)
        if found is not None:
            yield found
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value
