"""Records as the API writes them: names instead of ids, values by their types, labels beside them."""

from collections.abc import Iterable, Mapping
from typing import Any

from engines.compiled import SYSTEM_FIELDS, CompiledApp, CompiledForm
from engines.json_values import moment_text, to_json
from runtime.history import SYSTEM_TYPES, Entry
from runtime.reading import Page, Shown
from runtime.shown_columns import Wanted

Json = dict[str, Any]


def record_json(app: CompiledApp, form: CompiledForm, shown: Shown, columns: Iterable[Wanted] | None = None) -> Json:
    """A record with its system fields on top and its values below."""
    found: Json = {
        name: to_json(shown.values[name], SYSTEM_TYPES[name]) for name in SYSTEM_FIELDS if name in shown.values
    }
    found["id"], found["version"] = str(shown.id), shown.version
    names = _names(form, columns)
    values = {key: each for key, each in shown.values.items() if key not in SYSTEM_FIELDS}
    found["values"] = {names.get(key, key): _value(app, form, key, each) for key, each in values.items()}
    labels = {names.get(key, key): label for key, label in shown.labels.items() if label is not None}
    if labels:
        found["labels"] = labels
    if shown.expanded:
        found["expanded"] = {
            names.get(key, key): None
            if each is None
            else record_json(app, app.forms[form.fields[key].target or ""], each)
            for key, each in shown.expanded.items()
        }
    return found


def page_json(app: CompiledApp, form: CompiledForm, page: Page) -> Json:
    """A page of a list: the records, and where one is."""
    where = {"page": page.page, "size": page.size, "total": page.total, "capped": page.is_capped}
    if page.is_capped:
        where["total_text"] = f"{page.total:,}+"
    where |= {"has_more": page.has_more, "cursor": page.cursor}
    return {"items": [record_json(app, form, each, page.columns) for each in page.items], "page": where}


def entry_json(app: CompiledApp, form: CompiledForm, entry: Entry, people: Mapping[int, Any]) -> Json:
    """One change in the history of a record."""
    who = people.get(entry.actor) if entry.actor is not None else None
    names = _names(form, None)

    def shown(values: Mapping[str, Any]) -> Json:
        return {names.get(key, key): _value(app, form, key, values[key]) for key in entry.changed}

    return {
        "version": entry.version,
        "at": moment_text(entry.at),
        "operation": entry.op,
        "by": {"id": str(entry.actor), "name": who.name} if who is not None else {"kind": entry.actor_kind},
        "source": entry.source,
        "changed": [names.get(key, key) for key in entry.changed],
        "before": shown(entry.before),
        "after": shown(entry.after),
    }


def _names(form: CompiledForm, columns: Iterable[Wanted] | None) -> dict[str, str]:
    if columns is not None:
        return {each.key: each.name for each in columns}
    return {id: each.name for id, each in form.fields.items()}


def _value(app: CompiledApp, form: CompiledForm, key: str, value: Any) -> Any:
    if key in SYSTEM_TYPES:
        return to_json(value, SYSTEM_TYPES[key])
    at, field = form, form.fields.get(key)
    for step in key.split(".") if field is None else ():
        field = at.fields.get(step)
        if field is None or field.target is None:
            break
        at = app.forms[field.target]
    if field is None:
        return (
            to_json(value, SYSTEM_TYPES.get(key.rsplit(".", 1)[-1], SYSTEM_TYPES["owner"]))
            if value is not None
            else None
        )
    if field.subform is not None:
        return [_row(field.subform, row) for row in value or ()]
    return to_json(value, field.type)


def _row(form: CompiledForm, row: Mapping[str, Any]) -> Json:
    values = {
        form.fields[id].name: to_json(each, form.fields[id].type) for id, each in row.items() if id in form.fields
    }
    return {"id": str(row["id"]), **values}
