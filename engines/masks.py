"""What a view masks: which fields of a form exist for an actor, and in which rows each of them shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.computed.sources import as_shown, is_declassified, shown_in_rows, sources_of, sources_of_rows
from engines.facts import Facts, Values
from engines.grants import Grant, grants_of, matches
from engines.system_fields import SYSTEM_FIELDS

Mask = tuple[frozenset[int], ...]
"""When a field shows: of each group at least one grant (by place in the view) must match the row; () is always."""


@dataclass(frozen=True)
class View:
    """What one actor may do with one form under a verb: his grants, and the mask of each field that exists for him."""

    form: CompiledForm
    grants: tuple[Grant, ...]
    masks: Mapping[str, Mask]

    @cached_property
    def fields(self) -> frozenset[str]:
        return frozenset(self.masks)

    def of_rows(self, field: str) -> "View":
        """What is seen of the rows of a subform, wherever they show: no formula of what the record may hide then."""
        rows = self.form.fields[field]
        assert rows.subform is not None
        own = set(self.masks.get(field, ()))
        surely = {id for id, mask in self.masks.items() if own.issuperset(mask)}
        shown = shown_in_rows(self.form, rows, surely) if field in self.masks else ()
        return View(rows.subform, (Grant(rows.subform.id, frozenset(["read"])),), dict.fromkeys(shown, ()))


def view_of(app: CompiledApp, actor: Actor, form: str, grants: tuple[Grant, ...]) -> View:
    """The view that these grants give of a form."""
    compiled = app.forms[form]
    masks = {id: _mask(app, actor, compiled, each, grants) for id, each in compiled.fields.items()} if grants else {}
    return View(compiled, grants, {id: mask for id, mask in masks.items() if mask is not None})


def show(seen: View, record: Values, facts: Facts) -> Mapping[str, Any] | None:
    """A record that is at hand, as the actor would see it in the relation: None, or with hidden fields blank."""
    matched = {index for index, grant in enumerate(seen.grants) if matches(grant, record, facts)}
    if not matched:
        return None
    shown = {each: record.get(each) for each in SYSTEM_FIELDS}
    readable = {id for id, mask in seen.masks.items() if all(group & matched for group in mask)}
    return shown | as_shown(seen.form, record, readable)


def _mask(
    app: CompiledApp, actor: Actor, form: CompiledForm, field: CompiledField, grants: tuple[Grant, ...]
) -> Mask | None:
    """The mask of a field: its own grants and, where it is derived from others of the row, theirs (None: never)."""
    giving = frozenset(index for index, grant in enumerate(grants) if grant.gives(field.id))
    if not giving or not _may_see_sources(app, actor, field):
        return None
    groups = set() if len(giving) == len(grants) or any(grants[i].is_everywhere for i in giving) else {giving}
    for source in sorted(sources_of(form, field)):
        mask = _mask(app, actor, form, form.fields[source], grants)
        if mask is None:
            return None
        groups |= set(mask)
    return tuple(sorted(groups, key=sorted))


def _may_see_sources(app: CompiledApp, actor: Actor, field: CompiledField) -> bool:
    """A total over other records shows to those who may read all that it is made of, or when it is declassified."""
    if field.rollup is None or actor.is_system or is_declassified(field):
        return True
    rows = field.rollup.rows
    needed = field.rollup.reads | {field.rollup.link} | ({rows} if rows is not None else set())
    source = app.forms[field.rollup.source]
    grants = grants_of(app, actor, "read", source.id)
    if not any(each.is_everywhere for each in grants):
        return False
    needed |= sources_of_rows(source, source.fields[rows], needed) if rows is not None else frozenset()
    read = [source.fields[each] for each in sorted(needed) if each in source.fields]
    return all(_mask(app, actor, source, each, grants) == () for each in read)
