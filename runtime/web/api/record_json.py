"""Records as the API writes them: names instead of ids, values by their types, labels beside them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.json_values import moment_text, plain_number, to_json
from engines.system_fields import SYSTEM_FIELDS
from metadata.value_types import TEXT, ValueType
from runtime.history.entries import TYPES
from runtime.history.timeline import Entry, RowChange
from runtime.reading import Page
from runtime.reading.expanding import led_to
from runtime.reading.showing import Several, Shown
from runtime.reading.shown_columns import Wanted

Json = dict[str, Any]
Write = Callable[[Any], Any]


def record_json(app: CompiledApp, form: CompiledForm, shown: Shown, columns: Iterable[Wanted] | None = None) -> Json:
    """A record with its system fields on top and its values below."""
    if columns is not None:
        return _write(app, form, shown, _plan(app, form, columns))
    plan = app.memory.remember(
        ("json", form.id, tuple(shown.values)), lambda: _plan(app, form, _own(form, shown.values))
    )
    return _write(app, form, shown, plan)


def page_json(app: CompiledApp, form: CompiledForm, page: Page) -> Json:
    """A page of a list: the records, and where one is."""
    where: Json = {"page": page.page, "size": page.size, "total": page.total, "capped": page.is_capped}
    if page.is_capped:
        where["total_text"] = f"{page.total:,}+"
    where |= {"has_more": page.has_more, "cursor": page.cursor}
    plan = _plan(app, form, page.columns)
    return {"items": [_write(app, form, each, plan) for each in page.items], "page": where}


def entry_json(app: CompiledApp, form: CompiledForm, entry: Entry, people: Mapping[int, Any]) -> Json:
    """One change in the history of a record."""
    who = people.get(entry.actor) if entry.actor is not None else None
    names = {id: each.name for id, each in form.fields.items()}
    found = {
        "version": entry.version,
        "at": moment_text(entry.at),
        "operation": entry.op,
        "by": {"id": str(entry.actor), "name": who.name} if who is not None else {"kind": entry.actor_kind},
        "source": entry.source,
        "changed": [names.get(key, key) for key in entry.changed],
        "before": _named(form, entry.before),
        "after": _named(form, entry.after),
    }
    if entry.rows:
        found["rows"] = {
            names[id]: [_row_change_json(form.fields[id].subform, each) for each in changes]
            for id, changes in entry.rows.items()
        }
    return found


def _row_change_json(form: CompiledForm | None, change: RowChange) -> Json:
    assert form is not None
    return {
        "id": str(change.id),
        "operation": change.op,
        "changed": [form.fields[id].name for id in change.changed],
        "before": _named(form, change.before),
        "after": _named(form, change.after),
    }


def _named(form: CompiledForm, values: Mapping[str, Any]) -> Json:
    """Values by name, written by their types."""
    return {
        form.fields[key].name if key in form.fields else key: _written(_writer(form, key), each)
        for key, each in values.items()
    }


# --- how each column is written: looked up once for all records of an answer ---


@dataclass(frozen=True)
class _Plan:
    """For each key of the values its name and how it is written; system fields apart."""

    system: tuple[tuple[str, Write | None], ...]
    own: tuple[tuple[str, str, Write | None], ...]
    names: Mapping[str, str]


def _plan(app: CompiledApp, form: CompiledForm, columns: Iterable[Wanted]) -> _Plan:
    wanted = [each for each in columns if each.key not in ("id", "version")]
    system = tuple((each.key, _by_type(TYPES[each.key])) for each in wanted if each.key in SYSTEM_FIELDS)
    own = [each for each in wanted if each.key not in SYSTEM_FIELDS]
    written = tuple((each.key, each.name, _writer_of(each)) for each in own)
    return _Plan(system, written, {each.key: each.name for each in wanted})


def _own(form: CompiledForm, keys: Iterable[str]) -> list[Wanted]:
    """The columns of a record that came alone, from the keys of its values."""
    found = []
    for key in keys:
        field = form.fields.get(key)
        type = field.type if field is not None else TYPES.get(key, TEXT)
        found.append(Wanted(key, field.name if field is not None else key, (key,), type, field))
    return found


def _write(app: CompiledApp, form: CompiledForm, shown: Shown, plan: _Plan) -> Json:
    held, names = shown.values, plan.names
    found: Json = {"id": str(shown.id), "version": shown.version}
    for key, write in plan.system:
        found[key] = held[key] if write is None else write(held[key])
    found["values"] = {name: held.get(key) if write is None else write(held.get(key)) for key, name, write in plan.own}
    labels = {names.get(key, key): label for key, label in shown.labels.items() if label is not None}
    if labels:
        found["labels"] = labels
    if shown.updating:
        found["updating"] = sorted(names[key] for key in shown.updating if key in names)
    if shown.expanded:
        found["expanded"] = {
            form.fields[key].name: _end(app, form.fields[key], each) for key, each in shown.expanded.items()
        }
    return found


def _end(app: CompiledApp, field: CompiledField, end: Shown | Several | None) -> Any:
    """What a link leads to: a record, a list of records or rows that says whether there are more, or null."""
    if isinstance(end, Several):
        return {"items": [_end(app, field, each) for each in end.items], "has_more": end.has_more}
    target = led_to(app, field)
    if end is None or target is None:
        return None
    found = record_json(app, target, end)
    if field.subform is not None:
        del found["version"]  # that of the record holds for its rows too
    return found


def _written(write: Write | None, value: Any) -> Any:
    return value if write is None else write(value)


def _writer_of(wanted: Wanted) -> Write | None:
    field = wanted.field
    if field is not None and field.subform is not None:
        return _rows_writer(field.subform)
    return _by_type(wanted.type)


def _writer(form: CompiledForm, key: str) -> Write | None:
    field = form.fields.get(key)
    if field is not None and field.subform is not None:
        return _rows_writer(field.subform)
    return _by_type(field.type if field is not None else TYPES.get(key, TEXT))


def _by_type(type: ValueType) -> Write | None:
    """How values of a type are written; None for those that stand as they are."""
    if type.name == "list":
        return lambda value: to_json(value, type)
    return _WRITERS.get(type.name)


def _number(value: Any) -> Any:
    """A decimal is written as a number at the very end, by `write_json`."""
    return value if value is None or type(value) is Decimal else plain_number(value)


def _moment(value: datetime | None) -> Any:
    return value if value is None or value.tzinfo is UTC else moment_text(value)


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


_WRITERS: Mapping[str, Write] = {"number": _number, "datetime": _moment} | dict.fromkeys(
    ("member", "department", "link"), _id
)


def _rows_writer(form: CompiledForm) -> Write:
    columns = [(id, each.name, _by_type(each.type)) for id, each in form.fields.items()]

    def write(rows: Any) -> list[Json]:
        return [
            {"id": str(row["id"]), **{name: _written(each, row[id]) for id, name, each in columns if id in row}}
            for row in rows or ()
        ]

    return write
