"""What happened to a record, in words: who, when, which values from and to."""

from collections.abc import Iterator, Mapping
from typing import Any

from engines.access import may
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from metadata.problems import NotFound, Refused
from runtime import reading, records
from runtime.history.timeline import Entry, RowChange
from runtime.transaction import Tx
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.page import Page

MOST = 20
MOST_CHANGES = 12
ICONS = {
    "create": "plus",
    "update": "edit",
    "delete": "trash",
    "restore": "arrow-back-up",
    "derived": "sum",
    "published": "send",
}
Names = Mapping[str, Mapping[int, str]]
Fields = Mapping[str, CompiledField]


def of_record(
    page: Page, tx: Tx, app: CompiledApp, form: CompiledForm, id: int, drawing: Drawing
) -> list[dict[str, Any]]:
    """The last changes of a record, the newest first; nothing without the right to see them."""
    try:
        entries = records.history_of(tx, app, form.id, id, MOST)
    except (Refused, NotFound):
        return []
    names = _names(tx, app, form, entries)
    told = [_event(page, tx, app, each, _changes(drawing, form, each, names)) for each in entries]
    return [event for entry, event in zip(entries, told, strict=True) if event["changes"] or entry.op != "update"]


def _event(page: Page, tx: Tx, app: CompiledApp, entry: Entry, changes: list[dict[str, str]]) -> dict[str, Any]:
    by_person = entry.actor is not None and entry.actor_kind != "system"
    person = tx.organisation.people.get(entry.actor or 0) if by_person else None
    return {
        "person": person.name if person else "",
        "actor": _source(page, app, entry),
        "icon": ICONS.get(entry.op, "bolt"),
        "sentence": _sentence(page, entry.op),
        "at": entry.at.astimezone(page.clock(app)),
        "text": "",
        "changes": [] if entry.op == "create" else changes[:MOST_CHANGES],
    }


def _source(page: Page, app: CompiledApp, entry: Entry) -> str:
    """The rule or flow that acted, by its title; else the platform."""
    named = (*app.definition.rules, *app.definition.flows)
    found = next((each for each in named if entry.source and entry.source in (each.key, each.name)), None)
    return page.say(found.caption) if found else page.word("The system")


def _sentence(page: Page, op: str) -> str:
    words = {
        "create": page.word("created the record"),
        "update": page.word("changed the record"),
        "delete": page.word("moved the record to the trash"),
        "published": page.word("published a change of the form"),
        "restore": page.word("restored the record"),
        "derived": page.word("updated totals"),
    }
    return words.get(op, op)


def _changes(drawing: Drawing, form: CompiledForm, entry: Entry, names: Names) -> list[dict[str, str]]:
    found = []
    for id in entry.changed:
        field = form.fields.get(id)
        if field is None:
            continue
        if field.subform is not None:
            found.extend(_row_changes(drawing, field, entry, names))
            continue
        before = drawing.shown(field, entry.before.get(id), _label(field, entry.before.get(id), names))
        after = drawing.shown(field, entry.after.get(id), _label(field, entry.after.get(id), names))
        if before != after:
            found.append({"label": drawing.title(field), "before": before, "after": after})
    return found


def _row_changes(drawing: Drawing, field: CompiledField, entry: Entry, names: Names) -> list[dict[str, str]]:
    """A line for each row: what stood in the fields that moved, and what stands there now."""
    form, changes = field.subform, entry.rows.get(field.id)
    if changes is None or form is None:
        return [{"label": drawing.title(field), "before": "", "after": drawing.word("Rows changed")}]

    def told(change: RowChange, values: Mapping[str, Any]) -> str:
        parts = [(form.fields[id], values.get(id)) for id in change.changed]
        texts = [(each, drawing.shown(each, value, _label(each, value, names))) for each, value in parts]
        return " · ".join(f"{drawing.title(each)} {text}" for each, text in texts if text)

    return [
        {
            "label": _row_title(drawing, field, each, names),
            "before": told(each, each.before),
            "after": told(each, each.after),
        }
        for each in changes
    ]


def _row_title(drawing: Drawing, field: CompiledField, change: RowChange, names: Names) -> str:
    """The subform, with what stands first in a row of which only some fields moved."""
    title = drawing.title(field)
    if change.op != "changed" or field.subform is None:
        return title
    first = next((each for each in field.subform.fields.values() if change.row.get(each.id) is not None), None)
    if first is None or first.id in change.changed:
        return title
    value = change.row[first.id]
    return f"{title} · {drawing.shown(first, value, _label(first, value, names))}"


def _names(tx: Tx, app: CompiledApp, form: CompiledForm, entries: list[Entry]) -> Names:
    """What the linked records of all changes are called, one query for each form."""
    wanted: dict[str, set[int]] = {}
    for fields, values in _images(form, entries):
        for id, value in values.items():
            target = _target(fields.get(id))
            if target and may(app, tx.actor, "read", target):
                wanted.setdefault(target, set()).update(_ids(value))
    return {target: reading.labels_of(tx, app, target, ids) for target, ids in wanted.items() if ids}


def _images(form: CompiledForm, entries: list[Entry]) -> Iterator[tuple[Fields, Mapping[str, Any]]]:
    """All values that are told of, with the fields that they belong to."""
    for entry in entries:
        yield from ((form.fields, image) for image in (entry.before, entry.after))
        for id, changes in entry.rows.items():
            subform = form.fields[id].subform
            assert subform is not None
            yield from ((subform.fields, image) for each in changes for image in (each.before, each.row))


def _target(field: CompiledField | None) -> str:
    type = (field.type.of or field.type) if field is not None else None
    return (type.form or "") if type is not None and type.name == "link" else ""


def _ids(value: Any) -> set[int]:
    if value is None:
        return set()
    return {each for each in (value if isinstance(value, tuple | list) else (value,)) if isinstance(each, int)}


def _label(field: CompiledField, value: Any, names: Names) -> Any:
    known = names.get(_target(field), {})
    if isinstance(value, tuple | list):
        return tuple(known.get(each) for each in value)
    return known.get(value) if value is not None else None
