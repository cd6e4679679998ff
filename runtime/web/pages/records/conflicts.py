"""Two people saved the same record: mine and theirs beside each other, with what does not overlap chosen already."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import and_, func, select

from engines.access import may
from engines.compiled import CompiledField, CompiledForm
from runtime import history, reading
from runtime.db import tables
from runtime.transaction import Tx
from runtime.web.pages.fields.posted import Posted
from runtime.web.pages.records.merging import Difference, Typed, differences
from runtime.web.pages.records.views import RecordForm

MOST_CELLS = 4  # how many values tell a row from the others
Labels = Mapping[tuple[str, int], str]

version_of = tables.record_version


def conflict_view(
    tx: Tx, theirs: RecordForm, id: int, posted: Posted, version: int | None, chosen: Mapping[str, str]
) -> dict[str, Any]:
    """What differs between what was posted and what is stored now, and which side to propose for each difference.

    `chosen` are the choices of an earlier round: a third person saved while these two were being put together.
    """
    form = theirs.form
    fields = [each for each in form.fields.values() if theirs.may_edit(each) and each.id in theirs.readable]
    base = _as_of(tx, theirs, id, version)
    found = differences(fields, base, theirs.values, posted, theirs.drawing.zone)
    labels = _labels(tx, theirs, found)
    lines = [_line(theirs, each, labels, chosen) for each in found]
    lines += [_uploads(theirs, each, posted, chosen) for each in fields if each.name in posted.uploads]
    return {"name": _who(tx, theirs), "fields": lines, "version": theirs.version}


def _line(theirs: RecordForm, found: Difference, labels: Labels, chosen: Mapping[str, str]) -> dict[str, Any]:
    drawing = theirs.drawing
    names = [drawing.title(found.field)]
    if found.row:
        names.append(drawing.word("row %(number)s") % {"number": found.row})
    if found.column is not None:
        names.append(drawing.title(found.column))
    said = [_said(theirs, found, side, labels) for side in (found.mine, found.theirs)]
    keep = chosen.get(found.place, found.keep)
    return {"name": found.place, "label": " · ".join(names), "mine": said[0], "theirs": said[1], "keep": keep}


def _said(theirs: RecordForm, found: Difference, value: Any, labels: Labels) -> str:
    """One side of a difference as people read it."""
    if not found.is_row:
        return _shown(theirs, found.column or found.field, value, labels)
    if value is None:
        return theirs.drawing.word("No such row")
    assert found.field.subform is not None
    cells = [_shown(theirs, each, value.get(each.id), labels) for each in found.field.subform.fields.values()]
    return " · ".join([each for each in cells if each][:MOST_CELLS]) or theirs.drawing.word("An empty row")


def _shown(theirs: RecordForm, field: CompiledField, value: Any, labels: Labels) -> str:
    if isinstance(value, Typed):
        return value.text
    named: Any = None
    if _target(field):
        ids = list(value) if isinstance(value, tuple | list) else [value]
        called = tuple(labels.get((_target(field), each)) for each in ids)
        named = called if isinstance(value, tuple | list) else called[0]
    return theirs.drawing.shown(field, value, named)


def _uploads(theirs: RecordForm, field: CompiledField, posted: Posted, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Files that are to be added; what is stored already stays beside them."""
    names = ", ".join(each.filename or "" for each in posted.uploads[field.name])
    stored = theirs.drawing.shown(field, theirs.values.get(field.id))
    keep = chosen.get(field.name, "mine")
    return {
        "name": field.name,
        "label": theirs.drawing.title(field),
        "mine": f"+ {names}",
        "theirs": stored,
        "keep": keep,
    }


# --- what links are called ---


def _labels(tx: Tx, theirs: RecordForm, found: Iterable[Difference]) -> dict[tuple[str, int], str]:
    """How the records on both sides are called, one question for each form."""
    wanted: dict[str, set[int]] = {}
    for each in found:
        for field, value in _parts(each):
            if target := _target(field):
                ids = value if isinstance(value, tuple | list) else (value,)
                wanted.setdefault(target, set()).update(id for id in ids if isinstance(id, int))
    app = theirs.drawing.app
    return {
        (target, id): label
        for target, ids in wanted.items()
        if ids and may(app, tx.actor, "read", target)
        for id, label in reading.labels_of(tx, app, target, ids).items()
    }


def _parts(found: Difference) -> Iterable[tuple[CompiledField, Any]]:
    if not found.is_row:
        return [(found.column or found.field, side) for side in (found.mine, found.theirs)]
    assert found.field.subform is not None
    columns = found.field.subform.fields.values()
    return [(each, side.get(each.id)) for side in (found.mine, found.theirs) if side is not None for each in columns]


def _target(field: CompiledField) -> str:
    type = field.type.of or field.type
    return type.form or "" if type.name == "link" else ""


# --- what the form began with ---


def _as_of(tx: Tx, theirs: RecordForm, id: int, version: int | None) -> dict[str, Any] | None:
    """The record with its rows as it was when the form was opened; None where history does not reach back."""
    mine = and_(version_of.c.app == theirs.drawing.app.name, version_of.c.form == theirs.form.id)
    row = select(version_of.c.doc).where(mine, version_of.c.record == id, version_of.c.version == version)
    document = tx.connection.execute(row.order_by(version_of.c.seq.desc()).limit(1)).scalar()
    if not document:
        return None
    (values,) = history.values_of(tx, theirs.form, [document])
    rows = {
        each.id: _rows_as_of(tx, theirs, each.subform, id, version) for each in theirs.form.subforms if each.subform
    }
    return values | rows


def _rows_as_of(
    tx: Tx, theirs: RecordForm, subform: CompiledForm, record: int, version: int | None
) -> list[dict[str, Any]]:
    """The rows of a record at a version: of each the last image until then, if there is one."""
    mine = and_(
        version_of.c.app == theirs.drawing.app.name,
        version_of.c.form == subform.id,
        version_of.c.parent == record,
        version_of.c.version <= version,
    )
    last = select(version_of.c.record, func.max(version_of.c.seq).label("seq")).where(mine)
    latest = last.group_by(version_of.c.record).subquery()
    at_last = and_(latest.c.record == version_of.c.record, latest.c.seq == version_of.c.seq)
    found = tx.connection.execute(select(version_of.c.record, version_of.c.doc).join(latest, at_last).where(mine)).all()
    there = [row for row in found if row.doc is not None]
    values = history.values_of(tx, subform, [row.doc for row in there])
    return [{**each, "id": row.record} for row, each in zip(there, values, strict=True)]


def _who(tx: Tx, theirs: RecordForm) -> str:
    person = tx.organisation.people.get(theirs.values.get("updated_by") or 0)
    return person.name if person else theirs.drawing.word("Somebody")
