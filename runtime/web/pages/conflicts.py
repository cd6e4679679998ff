"""Two people saved the same record: mine and theirs, field by field, with what does not overlap chosen already."""

from typing import Any

from sqlalchemy import select

from engines.compiled import CompiledField
from engines.json_values import id_in
from runtime import history
from runtime.db import tables
from runtime.transaction import Tx
from runtime.web.pages.posted import Posted, read
from runtime.web.pages.record_views import RecordForm


def conflict_view(tx: Tx, theirs: RecordForm, id: int, posted: Posted, version: int | None) -> dict[str, Any]:
    """What differs between what was posted and what is stored now, and which side to propose for each field."""
    base = _as_of(tx, theirs, id, version)
    fields = []
    for each in theirs.form.fields.values():
        if not theirs.may_edit(each) or each.subform is not None or each.name not in posted.texts:
            continue
        mine, stored = comparable(theirs, each, posted), _text(theirs, each, theirs.values.get(each.id))
        if mine == stored:
            continue
        before = _text(theirs, each, base.get(each.id)) if base is not None else None
        fields.append(
            {
                "name": each.name,
                "label": theirs.drawing.title(each),
                "mine": mine,
                "theirs": stored,
                "keep": "theirs" if mine == before else "mine",
            }
        )
    return {"name": _who(tx, theirs), "fields": fields, "version": theirs.version}


def comparable(theirs: RecordForm, field: CompiledField, posted: Posted) -> str:
    """A posted value as people read it."""
    texts = posted.texts[field.name]
    value = read(field, texts, theirs.drawing.zone)
    if field.type.name == "list" or field.type.is_reference:
        chosen = value if isinstance(value, list) else [value] if value else []
        ids = [(id_in(str(each)) if _is_id(field) else None) or each for each in chosen]
        return theirs.drawing.shown(field, tuple(ids) if field.type.name == "list" else (ids[0] if ids else None))
    if field.type.name in ("date", "datetime"):
        return texts[-1].strip()
    try:
        return theirs.drawing.shown(field, value)
    except (TypeError, ValueError, AttributeError):
        return texts[-1].strip()


def _is_id(field: CompiledField) -> bool:
    return (field.type.of or field.type).is_reference


def _text(theirs: RecordForm, field: CompiledField, value: Any) -> str:
    return theirs.drawing.shown(field, value)


def _as_of(tx: Tx, theirs: RecordForm, id: int, version: int | None) -> dict[str, Any] | None:
    """The record as it was when the form was opened."""
    table = tables.record_version
    mine = (table.c.app == theirs.drawing.app.name) & (table.c.form == theirs.form.id) & (table.c.record == id)
    row = select(table.c.doc).where(mine, table.c.version == version).order_by(table.c.seq.desc()).limit(1)
    document = tx.connection.execute(row).scalar()
    return history.values_of(tx, theirs.form, [document])[0] if document else None


def _who(tx: Tx, theirs: RecordForm) -> str:
    person = tx.organisation.people.get(theirs.values.get("updated_by") or 0)
    return person.name if person else theirs.drawing.word("Somebody")
