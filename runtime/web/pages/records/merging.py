"""Two saves of one record: what differs between mine and theirs, down to the cells of rows, and what both come to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from engines.compiled import CompiledField, CompiledForm
from engines.values import ValueProblem
from runtime.web.pages.fields.posted import Posted, Row, read

Side = Literal["mine", "theirs"]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Typed:
    """What was typed and is no value; it differs from everything."""

    text: str


@dataclass(frozen=True)
class Difference:
    """One thing to choose: a field, a cell of a row, or a whole row (`column` None; a side without the row is None).

    `place` is what the choice is called when it is posted; `keep` the side that changed it, mine if both did.
    """

    place: str
    field: CompiledField
    mine: Any
    theirs: Any
    keep: Side
    column: CompiledField | None = None
    row: int = 0
    is_row: bool = False


def differences(
    fields: Sequence[CompiledField], base: Values | None, theirs: Values, posted: Posted, zone: ZoneInfo
) -> list[Difference]:
    """Where the posted form and the stored record are apart; `base` is the record that the form began with."""
    found: list[Difference] = []
    for each in fields:
        if each.subform is not None:
            if each.name in posted.rows:
                found += _rows(
                    each, each.subform, _by_id(base, each), _by_id(theirs, each), posted.rows[each.name], zone
                )
        elif each.name in posted.texts:
            before = None if base is None else (base.get(each.id),)
            found += _one(each, each.name, before, theirs.get(each.id), posted.texts[each.name], zone)
    return found


def merged(
    form: CompiledForm, values: dict[str, Any], theirs: Values, posted: Posted, keep: Callable[[str], str]
) -> dict[str, Any]:
    """The posted values with the choices applied: what is kept from them is left as it is stored."""
    kept = {name: value for name, value in values.items() if keep(name) != "theirs"}
    for each in form.subforms:
        if each.name in kept:
            kept[each.name] = _merged_rows(
                each.name, kept[each.name], _by_id(theirs, each), posted.rows[each.name], keep
            )
    return kept


def typed_value(field: CompiledField, texts: Sequence[str], zone: ZoneInfo) -> Any:
    """What the texts of a control mean."""
    raw = read(field, texts, zone)
    try:
        return field.kind.parse(raw, field)
    except ValueProblem:
        return Typed(texts[-1].strip() if texts else "")


# --- fields ---


def _one(
    field: CompiledField, place: str, base: tuple[Any] | None, theirs: Any, texts: Sequence[str], zone: ZoneInfo
) -> Iterator[Difference]:
    mine = typed_value(field, texts, zone)
    if not _same(mine, theirs):
        keep: Side = "theirs" if base is not None and _same(mine, base[0]) else "mine"
        yield Difference(place, field, mine, theirs, keep)


def _same(one: Any, other: Any) -> bool:
    if _is_blank(one):
        return _is_blank(other)
    return bool((tuple(one) if isinstance(one, list) else one) == (tuple(other) if isinstance(other, list) else other))


def _is_blank(value: Any) -> bool:
    return value is None or value is False or value in ("", (), [])


# --- rows ---


def _rows(
    field: CompiledField,
    subform: CompiledForm,
    base: Mapping[str, Values],
    theirs: Mapping[str, Values],
    posted: Sequence[Row],
    zone: ZoneInfo,
) -> Iterator[Difference]:
    columns = [each for each in subform.fields.values() if not each.is_derived and not each.read_only]
    for number, row in enumerate(posted, start=1):
        if row.record in theirs:
            yield from _cells(field, columns, number, row, base.get(row.record), theirs[row.record], zone)
        else:
            mine = {
                each.id: typed_value(each, row.texts[each.name], zone) for each in columns if each.name in row.texts
            }
            untouched = row.record in base and all(_same(value, base[row.record].get(id)) for id, value in mine.items())
            keep: Side = "theirs" if untouched else "mine"
            yield Difference(f"{field.name}.{row.token}", field, mine, None, keep, row=number, is_row=True)
    held = {row.record for row in posted}
    for id, stored in theirs.items():
        if id not in held:
            untouched = id in base and all(_same(base[id].get(each.id), stored.get(each.id)) for each in columns)
            keep = "mine" if untouched else "theirs"
            yield Difference(f"{field.name}.{id}", field, None, stored, keep, is_row=True)


def _cells(
    field: CompiledField,
    columns: Sequence[CompiledField],
    number: int,
    row: Row,
    base: Values | None,
    theirs: Values,
    zone: ZoneInfo,
) -> Iterator[Difference]:
    for each in columns:
        if each.name in row.texts:
            place = f"{field.name}.{row.token}.{each.name}"
            before = None if base is None else (base.get(each.id),)
            for found in _one(each, place, before, theirs.get(each.id), row.texts[each.name], zone):
                yield Difference(place, field, found.mine, found.theirs, found.keep, each, number)


def _merged_rows(
    name: str,
    mine: Sequence[dict[str, Any]],
    theirs: Mapping[str, Values],
    posted: Sequence[Row],
    keep: Callable[[str], str],
) -> list[dict[str, Any]]:
    """My rows in my order, then those that only they have; a row that they deleted and I keep becomes a new one."""
    rows = []
    for row, values in zip(posted, mine, strict=True):
        place = f"{name}.{row.token}"
        if row.record in theirs:
            rows.append({key: value for key, value in values.items() if keep(f"{place}.{key}") != "theirs"})
        elif keep(place) != "theirs":
            rows.append({key: value for key, value in values.items() if key != "id"})
    held = {row.record for row in posted}
    return rows + [{"id": id} for id in theirs if id not in held and keep(f"{name}.{id}") != "mine"]


def _by_id(record: Values | None, field: CompiledField) -> dict[str, Values]:
    return {str(row["id"]): row for row in (record or {}).get(field.id) or ()}
