"""The other side of links: which records of other forms lead to this one."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engines.access import grants_of, may, visible
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions import moment_of
from runtime import reading
from runtime.facts import facts_of
from runtime.reading import Shown
from runtime.reading.shown_columns import Wanted
from runtime.transaction import Tx
from runtime.web.pages.fields.looks import kind_of
from runtime.web.pages.fields.views import ColumnView
from runtime.web.pages.lists.listing import Listing

MOST = 8
COLUMNS = 5


def related_lists(tx: Tx, listing: Listing, id: int) -> list[dict[str, Any]]:
    """A short list for each form that links here, as far as the reader may see it."""
    found = []
    for form_id, field_id in listing.form.back_references:
        form = listing.app.forms[form_id]
        field = form.fields.get(field_id)
        if field is not None and form.parent is None and may(listing.app, tx.actor, "read", form_id):
            there = Listing(tx, listing.app, form, listing.drawing, listing.query)
            if field.name in there.fields:
                found.append(_list(there, field, id, len(_links_between(listing.app, form, listing.form)) > 1))
    return found


def _list(there: Listing, field: CompiledField, id: int, several: bool) -> dict[str, Any]:
    tx, app, form = there.tx, there.app, there.form
    ids, total = _ids(tx, app, form, field, id)
    wanted = [each for each in there.columns if each.key != field.id and each.type.name != "rows"][:COLUMNS]
    names = [each.name for each in wanted]
    shown = reading.shown_records(tx, app, form.id, ids, fields=names) if ids else []
    return {
        "id": field.id,
        "title": _title(there, field, several),
        "total_text": f"{total:,}",
        "columns": [
            ColumnView(each.key, each.name, there.drawing.title(there.field_of(each)), kind_of(each.type))
            for each in wanted
        ],
        "rows": [_row(there, each, wanted) for each in shown],
        "create": f"{there.path}/new?{field.name}={id}" if grants_of(app, tx.actor, "create", form.id) else "",
        "more": "",
    }


def _title(there: Listing, field: CompiledField, several: bool) -> str:
    """What the author calls it; else the form, and by which link where there are several."""
    say = there.drawing.say
    if title := say(getattr(field.options, "back_title", None)):
        return title
    title = say(there.form.title)
    return f"{title} · {there.drawing.title(field)}" if several else title


def _row(there: Listing, record: Shown, columns: Sequence[Wanted]) -> dict[str, Any]:
    cells = [
        there.drawing.view(there.field_of(each), record.values.get(each.key), record.labels.get(each.key), mode="cell")
        for each in columns
    ]
    return {"id": record.id, "href": f"{there.path}/{record.id}", "label": f"#{record.id}", "cells": cells}


def _ids(tx: Tx, app: CompiledApp, form: CompiledForm, field: CompiledField, id: int) -> tuple[list[int], int]:
    """The records that lead here, the newest first, and how many there are."""
    relation = visible(app, tx.actor, form.id, moment_of(facts_of(tx, app)), tx.dialect)
    if field.is_list:
        source, value, condition = _values(relation, field)
        relation.where(sa.exists(sa.select(sa.literal(1)).select_from(source).where(condition, value == id)))
    else:
        relation.where(relation.column(field.id) == id)
    key = relation.column("id")
    matching = relation.select({"id": key})
    newest = matching.order_by(key.desc()).limit(MOST)
    total = tx.connection.execute(sa.select(sa.func.count()).select_from(matching.subquery())).scalar_one()
    return [row.id for row in tx.connection.execute(newest)], total


def _values(relation: Any, field: CompiledField) -> tuple[Any, Any, Any]:
    source, value, condition = relation.values(field.id)
    return source, value, condition


def _links_between(app: CompiledApp, form: CompiledForm, target: CompiledForm) -> list[CompiledField]:
    return [each for each in form.fields.values() if each.target == target.id]
