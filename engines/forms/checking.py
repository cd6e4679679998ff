"""Whether the finished record may stand: references, required fields, uniqueness, rows, the author's validations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engines.compiled import CompiledField
from engines.expressions import evaluate
from engines.facts import Needs
from engines.forms.steps import Steps
from engines.forms.work import Save, is_empty
from metadata.problems import ROOT, Problem
from metadata.text import Text, say

REQUIRED: Text = {"en": "This must be filled in", "zh": "此项为必填"}
NO_RECORD: Text = {"en": "This record does not exist, or you may not see it", "zh": "该记录不存在，或您无权查看"}
NO_MEMBER: Text = {"en": "There is no such active member", "zh": "该成员不存在或已停用"}
NO_DEPARTMENT: Text = {"en": "There is no such department", "zh": "该部门不存在"}
TAKEN: Text = {"en": "Another record already has this value", "zh": "该值已被其他记录使用"}


def facts_wanted(save: Save, steps: Steps) -> Needs:
    """Which targets of new links must be looked at, and which unique values looked for."""
    links = ((column.target, id) for _, column, id, _ in _new_references(save, steps) if column.target is not None)
    readable = {key for key in links if key not in save.facts.readable}
    taken = {
        (save.form.id, field.id, save.after[field.id])
        for field in steps.unique
        if field.id not in save.broken and save.changed(field.id) and save.after[field.id] is not None
    }
    return Needs(readable=frozenset(readable), taken=frozenset(key for key in taken if key not in save.facts.taken))


def check(save: Save, steps: Steps) -> None:
    """Note everything that is wrong with the record as a whole."""
    _check_references(save, steps)
    hidden = {field.id for field in steps.hidden if not _holds(save, field, field.visible_if, None)}
    _check_required(save, steps, hidden)
    _check_unique(save, steps)
    for field in steps.subforms:
        if field.id not in hidden | save.broken:
            _check_rows(save, field, steps.rows[field.id])
    _check_validations(save)


def _check_references(save: Save, steps: Steps) -> None:
    people, departments = save.facts.organisation.people, save.facts.organisation.departments
    for field, column, id, inside in _new_references(save, steps):
        element = column.type.of or column.type
        if column.target is not None:
            if not save.facts.readable.get((column.target, id), False):
                save.add(field, "unknown_record", NO_RECORD, "", *inside)
        elif element.name == "department":
            if id not in departments:
                save.add(field, "unknown_department", NO_DEPARTMENT, "", *inside)
        elif id not in people or not people[id].active:
            save.add(field, "unknown_member", NO_MEMBER, "", *inside)
        elif not _holds_role(save, column, id):
            message = {"en": "This member does not hold the role asked for here", "zh": "该成员不具备此处要求的角色"}
            save.add(field, "wrong_role", message, "", *inside)


def _holds_role(save: Save, column: CompiledField, member: int) -> bool:
    wanted = getattr(column.options, "role", None)
    if wanted is None:
        return True
    roles = save.facts.organisation.people[member].roles.get(save.app.name, frozenset())
    return save.app.role_ids.get(wanted) in roles


def _check_required(save: Save, steps: Steps, hidden: set[str]) -> None:
    wanted: dict[str, Text] = {}
    for field in steps.required:
        if field.required or _holds(save, field, field.required_if, None):
            wanted[field.id] = ""
    for field in steps.setters:
        if field.storage == "stored" and (option := field.choices.get(save.after[field.id])) is not None:
            wanted |= {target.id: _needed_for(option) for target in _fields(save, option.requires)}
    for id, hint in wanted.items():
        field = save.form.fields[id]
        if id not in hidden and id not in save.broken and is_empty(save.after.get(id)) and save.request.may_read(id):
            save.add(field, "required", REQUIRED, hint)


def _needed_for(option: Any) -> Text:
    english, chinese = say(option.title or option.value, "en"), say(option.title or option.value, "zh")
    return {"en": f"Needed for “{english}”", "zh": f"“{chinese}”阶段必填"}


def _fields(save: Save, names: Iterable[str]) -> Iterator[CompiledField]:
    for name in names:
        if (field := save.form.field(name)) is not None:
            yield field


def _check_unique(save: Save, steps: Steps) -> None:
    for field in steps.unique:
        if save.facts.taken.get((save.form.id, field.id, save.after[field.id])) and save.changed(field.id):
            save.add(field, "not_unique", TAKEN)


def _check_rows(save: Save, field: CompiledField, steps: Steps) -> None:
    rows = save.after[field.id]
    least, most = field.options.min_rows, field.options.max_rows
    if len(rows) < least:
        message = {"en": f"At least {least} rows are needed", "zh": f"至少需要 {least} 行"}
        save.add(field, "too_few_rows", message)
    if len(rows) > most:
        message = {"en": f"At most {most} rows are allowed", "zh": f"最多 {most} 行"}
        save.add(field, "too_many_rows", message)
    for index, row in enumerate(rows):
        _check_row(save, field, steps, index, row)
    for column in steps.unique:
        _check_unique_in_rows(save, field, column, rows)


def _check_row(save: Save, field: CompiledField, steps: Steps, index: int, row: Mapping[str, Any]) -> None:
    hidden = {column.id for column in steps.hidden if not _holds(save, column, column.visible_if, row)}
    for column in steps.required:
        if column.id in hidden or not is_empty(row.get(column.id)):
            continue
        if column.required or _holds(save, column, column.required_if, row):
            save.add(field, "required", REQUIRED, "", index, column.name)


def _check_unique_in_rows(
    save: Save, field: CompiledField, column: CompiledField, rows: tuple[Mapping[str, Any], ...]
) -> None:
    seen = set()
    for index, row in enumerate(rows):
        value = row.get(column.id)
        if value is not None and value in seen:
            message = {"en": "Another row already has this value", "zh": "该值在其他行中已存在"}
            save.add(field, "not_unique", message, "", index, column.name)
        seen.add(value)


def _check_validations(save: Save) -> None:
    """The author's conditions; one that reads a field with a problem of its own is left for the next try."""
    broken = set(save.broken)
    for validation in save.form.validations:
        if broken and any(part in broken for read in validation.condition.reads for part in read[1:]):
            continue
        if not evaluate(validation.condition, save.environment()):
            field = save.form.fields.get(validation.field or "")
            shown = field if field is not None and save.request.may_read(field.id) else None
            save.say(shown, Problem(ROOT, "validation", validation.message))


def _holds(save: Save, field: CompiledField, condition: Any, row: Mapping[str, Any] | None) -> bool:
    return condition is not None and bool(evaluate(condition, save.environment(row)))


def _new_references(
    save: Save, steps: Steps
) -> Iterator[tuple[CompiledField, CompiledField, int, tuple[str | int, ...]]]:
    """Every id that this save puts into a link, member or department field, with its field and place."""
    before = save.before or {}
    for field in steps.references:
        for id in _added(before.get(field.id), save.after.get(field.id)):
            yield field, field, id, ()
    for field in steps.subforms:
        row_steps = steps.rows[field.id]
        if not row_steps.references:
            continue
        known = {row["id"]: row for row in before.get(field.id) or ()}
        for index, row in enumerate(save.after.get(field.id) or ()):
            old = known.get(row["id"], {})
            for column in row_steps.references:
                for id in _added(old.get(column.id), row.get(column.id)):
                    yield field, column, id, (index, column.name)


def _added(before: Any, after: Any) -> Sequence[int]:
    if after is None or after == before:
        return ()
    if isinstance(after, tuple):
        return [id for id in after if id not in (before or ())]
    return (after,)
