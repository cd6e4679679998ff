"""What came in: which keys may be written by whom, and each value read strictly by its kind."""

from collections.abc import Mapping
from typing import Any

from engines.compiled import CompiledField
from engines.forms.ids import read_id
from engines.forms.lists import MOST_ROWS
from engines.forms.texts import wrong_type
from engines.forms.work import VALUES, Save, settle
from engines.system_fields import SYSTEM_FIELDS
from engines.values import ValueProblem
from metadata.problems import Problem, Refused, nearest

READ_ONLY = {"en": "This field is filled in by the app", "zh": "该字段由应用自动填写"}


def accept(save: Save) -> None:
    """Take over what was asked for; what must not or cannot be written becomes a problem."""
    forbidden = []
    for name, raw in save.request.values.items():
        field = _known(save, name)
        if field is None:
            _unknown(save, name)
        elif not save.request.may_edit(field.id):
            forbidden.append(field)
        elif field.is_derived or (field.read_only and field.id not in save.request.unlocked):
            _read_only(save, field.name)
        else:
            _read(save, field, raw)
    if forbidden:
        raise Refused(*(_forbidden(field) for field in forbidden))
    _take_typed(save)


def _known(save: Save, name: str) -> CompiledField | None:
    id = save.form.field_ids.get(name)
    return save.form.fields[id] if id is not None and save.request.may_read(id) else None


def _read(save: Save, field: CompiledField, raw: Any) -> None:
    save.given.add(field.id)
    if field.storage == "rows":
        _read_rows(save, field, raw)
        return
    try:
        save.after[field.id] = field.kind.parse(raw, field)
    except ValueProblem as problem:
        save.say(field, problem)


def _take_typed(save: Save) -> None:
    """Values that rules, flows and the platform set, by field id."""
    for id, value in save.request.typed.items():
        field = save.form.fields.get(id)
        if field is None:
            save.after[id] = value
            continue
        save.given.add(id)
        if field.storage == "rows":
            _merge_rows(save, field, [(None, dict(row)) for row in value])
            continue
        try:
            save.after[id] = settle(value, field)
        except ValueProblem as problem:
            save.say(field, problem)


def _read_rows(save: Save, field: CompiledField, raw: Any) -> None:
    if not isinstance(raw, list | tuple):
        save.say(field, wrong_type(raw, {"en": "a list of rows", "zh": "明细行列表"}))
        return
    if len(raw) > MOST_ROWS:
        message = {"en": f"At most {MOST_ROWS:,} rows are allowed", "zh": f"最多 {MOST_ROWS} 行"}
        limit = {"name": "rows", "max": MOST_ROWS, "actual": len(raw)}
        save.say(field, ValueProblem("too_many_rows", message, limit=limit))
        return
    read = [(index, _read_row(save, field, index, each)) for index, each in enumerate(raw)]
    _merge_rows(save, field, [(index, row) for index, row in read if row is not None])


def _read_row(save: Save, field: CompiledField, index: int, raw: Any) -> dict[str, Any] | None:
    """One row as submitted: the fields it names, and its id when it is there already."""
    rows = field.subform
    assert rows is not None
    if not isinstance(raw, Mapping):
        save.say(field, wrong_type(raw, {"en": "a row (an object)", "zh": "一行（对象）"}), index)
        return None
    row: dict[str, Any] = {}
    for name, value in raw.items():
        column = rows.field(name) if name in rows.field_ids else None
        try:
            if name == "id":
                row["id"] = read_id(value)
            elif column is None:
                message = {"en": f"There is no field “{name[:60]}” in these rows", "zh": f"明细中没有字段“{name[:60]}”"}
                save.add(field, "unknown_field", message, nearest(name, rows.field_ids), index, name)
            elif column.is_derived or column.read_only:
                save.add(field, "read_only", READ_ONLY, "", index, name)
            else:
                row[column.id] = column.kind.parse(value, column)
        except ValueProblem as problem:
            save.say(field, problem, index, name)
    return row


def _merge_rows(save: Save, field: CompiledField, rows: list[tuple[int | None, dict[str, Any]]]) -> None:
    """Make the new list of rows: known ids keep what was not submitted, new rows begin blank."""
    assert field.subform is not None
    known = {row["id"]: row for row in (save.before or {}).get(field.id) or ()}
    merged: list[dict[str, Any]] = []
    seen: set[int] = set()
    for index, row in rows:
        id = row.pop("id", None)
        if id is not None and (id not in known or id in seen):
            message = {"en": "This row does not belong to the record", "zh": "该明细行不属于此记录"}
            hint = {"en": "Leave the id out to add a new row", "zh": "如需新增一行，请不要填写 id"}
            save.add(field, "unknown_row", message, hint, index or 0, "id")
            continue
        row.pop("position", None)
        if id is None:
            new = save.next_row_id()
            save.given_in_rows[new] = set(row)
            merged.append({"id": new, **field.subform.blank, **row})
        else:
            seen.add(id)
            merged.append({**known[id], **row})
    save.after[field.id] = tuple(merged)


def _read_only(save: Save, name: str) -> None:
    hint = {"en": "Leave it out", "zh": "请不要提交该字段"}
    save.problems.add(VALUES / name, "read_only", READ_ONLY, hint)


def _unknown(save: Save, name: str) -> None:
    if name in SYSTEM_FIELDS:
        _read_only(save, name)
        return
    known = [each for each, id in save.form.field_ids.items() if save.request.may_read(id)]
    message = {"en": f"There is no field “{name[:60]}”", "zh": f"不存在字段“{name[:60]}”"}
    save.problems.add(VALUES / name[:60], "unknown_field", message, nearest(name, known))


def _forbidden(field: CompiledField) -> Problem:
    message = {"en": "You may read this field but not change it", "zh": "您可以查看该字段，但不能修改"}
    return Problem(VALUES / field.name, "field_forbidden", message)
