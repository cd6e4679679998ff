"""What happened to a record, in words: who, when, which values from and to. Only fields that the reader may read."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engines.access import may
from engines.compiled import CompiledApp, CompiledForm
from runtime import history
from runtime.db import tables
from runtime.reading import Shown
from runtime.transaction import Tx
from runtime.web.pages.fields import Drawing
from runtime.web.pages.page import Page

MOST = 20
MOST_CHANGES = 12
ICONS = {"create": "plus", "update": "edit", "delete": "trash", "restore": "arrow-back-up", "derived": "sum"}


def of_record(
    page: Page,
    tx: Tx,
    app: CompiledApp,
    form: CompiledForm,
    shown: Shown,
    drawing: Drawing,
    readable: frozenset[str],
) -> list[dict[str, Any]]:
    """The last entries of a record's history, the newest first; nothing without the right to see it."""
    if not may(app, page.actor, "see_history", form.id):
        return []
    rows = _rows(tx, app, form, shown.id)
    documents = history.values_of(tx, form, [row.doc or {} for row in rows])
    entries = []
    for index, row in enumerate(rows[:MOST]):
        before = documents[index + 1] if index + 1 < len(rows) else {}
        changes = [] if row.op == "create" else _changes(drawing, form, row.changed, before, documents[index], readable)
        if row.op == "update" and not changes and row.changed:
            continue
        entries.append(_entry(page, tx, app, row, changes))
    return entries


def _rows(tx: Tx, app: CompiledApp, form: CompiledForm, record: int) -> list[Any]:
    version, cause = tables.record_version, tables.cause
    mine = (version.c.app == app.name) & (version.c.form == form.id) & (version.c.record == record)
    columns = (version.c.op, version.c.at, version.c.doc, version.c.changed)
    query = (
        select(*columns, cause.c.actor, cause.c.actor_kind, cause.c.kind, cause.c.source)
        .join(cause, cause.c.id == version.c.cause, isouter=True)
        .where(mine)
        .order_by(version.c.seq.desc())
        .limit(MOST + 1)
    )
    return list(tx.connection.execute(query).all())


def _entry(page: Page, tx: Tx, app: CompiledApp, row: Any, changes: list[dict[str, str]]) -> dict[str, Any]:
    person = tx.organisation.people.get(row.actor) if row.actor is not None and row.actor_kind != "system" else None
    return {
        "person": person.name if person else "",
        "actor": _source(page, app, row),
        "icon": ICONS.get(row.op, "bolt"),
        "sentence": _sentence(page, row.op),
        "at": row.at.astimezone(app.zone),
        "text": "",
        "changes": changes[:MOST_CHANGES],
    }


def _source(page: Page, app: CompiledApp, row: Any) -> str:
    """The rule or flow that acted, by its title; else the platform."""
    named = (*app.definition.rules, *app.definition.flows)
    found = next((each for each in named if row.source and row.source in (each.key, each.name)), None)
    return page.say(found.caption) if found else page.word("The system")


def _sentence(page: Page, op: str) -> str:
    words = {
        "create": page.word("created the record"),
        "update": page.word("changed the record"),
        "delete": page.word("moved the record to the trash"),
        "restore": page.word("restored the record"),
        "derived": page.word("updated totals"),
    }
    return words.get(op, op)


def _changes(
    drawing: Drawing,
    form: CompiledForm,
    changed: list[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    readable: frozenset[str],
) -> list[dict[str, str]]:
    found = []
    for id in changed or ():
        field = form.fields.get(id)
        if field is None or id not in readable:
            continue
        if field.subform is not None:
            found.append({"label": drawing.title(field), "before": "", "after": drawing.word("Rows changed")})
            continue
        was, now = drawing.shown(field, before.get(id)), drawing.shown(field, after.get(id))
        if was != now:
            found.append({"label": drawing.title(field), "before": was, "after": now})
    return found
