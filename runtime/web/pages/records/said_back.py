"""What a refused form says back: what was chosen or ticked as values, in rows too; typed text stays as typed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines.access import may
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.json_values import id_in
from metadata.value_types import ValueType
from runtime import reading
from runtime.transaction import Tx
from runtime.web.pages.fields.posted import Posted, Row
from runtime.web.pages.records.views import RecordForm

Values = Mapping[str, Any]


def said_back(tx: Tx, app: CompiledApp, drawn: RecordForm, posted: Posted) -> RecordForm:
    """The form as it was sent: its rows in the order in which they were posted, new ones among them."""
    editable = [each for each in drawn.form.fields.values() if drawn.may_edit(each)]
    values = {**drawn.values, **_chosen(editable, posted.texts)}
    labels = {**drawn.labels, **labels_of_links(tx, app, drawn.form, [values])[0]}
    for each in editable:
        if each.subform is not None and each.name in posted.rows:
            values[each.id] = _rows(tx, app, each.subform, drawn.values.get(each.id) or (), posted.rows[each.name])
    return replace(drawn, values=values, labels=labels, posted=posted)


def labels_of_links(tx: Tx, app: CompiledApp, form: CompiledForm, records: Sequence[Values]) -> list[dict[str, Any]]:
    """What the links of some records (or rows) are called, by field id: one question for each link field."""
    found: list[dict[str, Any]] = [{} for _ in records]
    for field in form.fields.values():
        type = field.type.of or field.type
        if type.name != "link":
            continue
        named = _named(tx, app, type, {id for record in records for id in _ids(record.get(field.id))})
        for record, labels in zip(records, found, strict=True):
            value = record.get(field.id)
            if value:
                names = tuple(named.get(id) for id in _ids(value))
                labels[field.id] = names if isinstance(value, tuple | list) else names[0]
    return found


def _rows(
    tx: Tx, app: CompiledApp, subform: CompiledForm, stored: Sequence[Values], posted: Sequence[Row]
) -> list[Values]:
    known = {str(row.get("id")): row for row in stored}
    rows = [{**known.get(row.record, {}), **_chosen(subform.fields.values(), row.texts)} for row in posted]
    labels = labels_of_links(tx, app, subform, rows)
    return [{**row, "labels": {**row.get("labels", {}), **own}} for row, own in zip(rows, labels, strict=True)]


def _chosen(fields: Iterable[CompiledField], texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        if field.name not in texts:
            continue
        typed = [text for text in texts[field.name] if text]
        if field.type.name == "yes_no":
            found[field.id] = typed[-1:] == ["true"]
        elif field.type.is_reference:
            found[field.id] = id_in(typed[-1]) if typed else None
        elif field.type.name == "list":
            ids = field.type.of is not None and field.type.of.is_reference
            found[field.id] = tuple(id_in(text) or text if ids else text for text in typed)
        elif field.type.name == "text":
            found[field.id] = typed[-1] if typed else None
    return found


def _named(tx: Tx, app: CompiledApp, type: ValueType, ids: set[int]) -> Mapping[int, str]:
    target = type.form or ""
    return reading.labels_of(tx, app, target, sorted(ids)) if ids and may(app, tx.actor, "read", target) else {}


def _ids(value: Any) -> list[int]:
    several = value if isinstance(value, tuple | list) else [value]
    return [each for each in several if isinstance(each, int)]
