"""What stored formulas are made of: the fields of their record, also where a formula of its rows reads them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engines.compiled import CompiledField, CompiledForm


def sources_of(form: CompiledForm, field: CompiledField) -> frozenset[str]:
    """The fields of the same record that a stored formula is made of; what is computed at read needs no such rule."""
    return frozenset(_read_in_record(form, field)) & (form.fields.keys() - {field.id})


def sources_of_rows(form: CompiledForm, rows: CompiledField, fields: Collection[str]) -> frozenset[str]:
    """The fields of the record that the formulas among these fields of its rows are made of."""
    assert rows.subform is not None
    subform, found = rows.subform, set[str]()
    for id in fields:
        found.update(_read_above(form, subform, id))
    return frozenset(found)


def shown_in_rows(form: CompiledForm, rows: CompiledField, readable: Collection[str]) -> tuple[str, ...]:
    """The fields of rows that show to whoever may read the rows and these fields of the record, in their order."""
    assert rows.subform is not None
    return tuple(id for id in rows.subform.fields if sources_of_rows(form, rows, (id,)).issubset(readable))


def as_shown(form: CompiledForm, record: Mapping[str, Any], readable: Collection[str]) -> dict[str, Any]:
    """The values of a record at hand that somebody may read, with as much of its rows as that shows."""
    values = {id: record.get(id) for id in readable}
    for each in form.subforms:
        if rows := values.get(each.id):
            shown = {"id", *shown_in_rows(form, each, readable)}
            values[each.id] = tuple({id: row[id] for id in row if id in shown} for row in rows)
    return values


def is_declassified(field: CompiledField) -> bool:
    """Whether the author shows a derived value to people who may not read what it is made of."""
    return bool(getattr(field.options, "declassify", False))


def _read_in_record(form: CompiledForm, field: CompiledField) -> Iterator[str]:
    """The fields of a record that its formula reads, and those that formulas of rows read for it."""
    for path in _reads(field):
        if path[0] == "record":
            yield from _with_rows(form, path)


def _read_above(form: CompiledForm, subform: CompiledForm, id: str) -> Iterator[str]:
    """The fields of the record that the formula of a row reads, itself or through other formulas of the row."""
    field = subform.fields.get(id)
    for path in _reads(field) if field is not None else ():
        if path[0] == "record":
            yield from _with_rows(form, path)
        else:
            yield from _read_above(form, subform, path[1])


def _with_rows(form: CompiledForm, path: tuple[str, ...]) -> Iterator[str]:
    yield path[1]
    rows = form.fields.get(path[1])
    if rows is not None and rows.subform is not None and len(path) > 2:
        yield from _read_above(form, rows.subform, path[2])


def _reads(field: CompiledField) -> Iterator[tuple[str, ...]]:
    if field.storage == "stored" and field.expression is not None and not is_declassified(field):
        yield from (path for path in field.expression.reads if len(path) > 1 and path[0] in ("record", "row"))
