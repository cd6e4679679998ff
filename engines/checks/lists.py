"""What lists say of their columns, their order and their search, held against what a database can be asked for."""

from collections.abc import Sequence
from typing import Any

from engines.compiled import CompiledApp, CompiledForm
from metadata.expressions import DEPARTMENT_FIELDS, MEMBER_FIELDS, FieldReference
from metadata.names import SYSTEM_FIELDS
from metadata.problems import ROOT, Path, Problems, Refusal
from metadata.text import Text

SORTABLE = ("text", "number", "yes_no", "date", "datetime", "member", "department", "link")
MOST_SORT_KEYS = 5


def check_lists(app: CompiledApp, problems: Problems) -> None:
    """Say which lists cannot be shown, sorted or searched as their authors want it."""
    for index, form in enumerate(app.definition.forms):
        place = ROOT / "forms" / index
        _check(app, app.forms[form.key], form, place, problems)
        _check_search(app.forms[form.key], form.search, place / "search", problems)
    for index, view in enumerate(app.definition.views):
        if view.form in app.form_ids:
            _check(app, app.form(view.form), view, ROOT / "views" / index, problems)


def _check(app: CompiledApp, form: CompiledForm, definition: Any, place: Path, problems: Problems) -> None:
    for index, column in enumerate(definition.columns):
        steps = _steps(app, form, column.field)
        if any(step.type.name in ("list", "rows") for step in steps[:-1]):
            problems.add(place / "columns" / index, "not_a_column", _through_several(column.field), _ONE_STEP)
    for index, key in enumerate(definition.sort):
        steps = _steps(app, form, key.field)
        if any(step.type.name not in SORTABLE for step in steps):
            problems.add(place / "sort" / index, "not_sortable", _unsortable(key.field), _SORT_BY)
    if len(definition.sort) > MOST_SORT_KEYS:
        limit = {"name": "sort", "max": MOST_SORT_KEYS, "actual": len(definition.sort)}
        problems.add(place / "sort", "limit_exceeded", _TOO_MANY, _LEAVE_OUT, limit=limit)


def _check_search(form: CompiledForm, names: Sequence[str], place: Path, problems: Problems) -> None:
    for index, name in enumerate(names):
        field = form.field(name)
        if name in SYSTEM_FIELDS or field is not None and field.type.name != "text":
            message = {"en": f"There are no words to look for in “{name}”", "zh": f"“{name}”中没有可搜索的文字"}
            problems.add(place / index, "not_searchable", message, _SEARCH_IN)


def _steps(app: CompiledApp, form: CompiledForm, path: str) -> list[FieldReference]:
    """The fields on a path, as far as they are known; what is not, others complain of."""
    at, steps = app.names.fields(form.id), []
    for name in path.split("."):
        try:
            step = at.get(name)
        except Refusal:  # it has a problem of its own
            break
        if step is None:
            break
        steps.append(step)
        people = {"member": MEMBER_FIELDS, "department": DEPARTMENT_FIELDS}
        at = people.get(step.type.name) or app.names.fields(step.type.form or "")
    return steps


def _unsortable(path: str) -> Text:
    return {"en": f"A list cannot be sorted by “{path}”", "zh": f"列表不能按“{path}”排序"}


def _through_several(path: str) -> Text:
    return {
        "en": f"“{path}” leads through several rows or records, and a column shows one value",
        "zh": f"“{path}”经过多行或多条记录，而一列只显示一个值",
    }


_SORT_BY: Text = {
    "en": "Sort by a field that holds one value; a formula may sum up rows",
    "zh": "请按只含一个值的字段排序；可用公式汇总明细行",
}
_ONE_STEP: Text = {
    "en": "Name the subform or the list itself, or a formula over it",
    "zh": "请填写该子表单或多值字段本身，或对其汇总的公式",
}
_SEARCH_IN: Text = {"en": "Name fields that hold text", "zh": "请填写文本类字段"}
_TOO_MANY: Text = {
    "en": f"A list is sorted by at most {MOST_SORT_KEYS} fields",
    "zh": f"列表最多按 {MOST_SORT_KEYS} 个字段排序",
}
_LEAVE_OUT: Text = {"en": "Leave the last ones out", "zh": "请删去靠后的字段"}
