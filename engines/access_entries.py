"""Access entries as they are written, compiled to grants; a scope that no database can be asked for is refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engines.compiled import CompiledApp, CompiledForm
from engines.grants import CompiledAccess, Grant
from engines.relation.pushable import refuse_unaskable
from engines.system_fields import SYSTEM_FIELDS
from metadata.access import AccessDefinition
from metadata.expressions import Expression, Scope, check, fail_closed
from metadata.problems import ROOT, Path, Problems, Refusal, nearest
from metadata.registry import Registry
from metadata.text import Text
from metadata.value_types import YES_NO

NAMED_SCOPES = {"own": "owner == user", "department": "department in user.departments", "all": None}


def compile_access(app: CompiledApp, functions: Registry[Any], problems: Problems) -> CompiledAccess:
    """Compile the access entries of a definition whose forms are compiled already; one that is wrong grants nothing."""
    app = replace(app, access=CompiledAccess())
    grants: dict[str, list[Grant]] = {}
    for index, entry in enumerate(app.definition.access):
        place = ROOT / "access" / index
        form = app.forms.get(app.form_ids.get(entry.form, ""))
        role = app.role_ids.get(entry.role)
        if form is None or role is None:
            _unknown(problems, place, entry, app)
            continue
        fields = _fields(entry.fields, form, problems, place / "fields")
        try:
            scope = _scope(entry.where, form, app, functions)
        except Refusal as refusal:
            problems.extend(refusal.problems, place / "where")
            continue
        grants.setdefault(form.id, []).append(Grant(form.id, frozenset(entry.may), role, scope, fields))
    return CompiledAccess({form: tuple(each) for form, each in grants.items()})


def _scope(text: str | None, form: CompiledForm, app: CompiledApp, functions: Registry[Any]) -> Expression | None:
    condition = NAMED_SCOPES.get(text, text) if text is not None else None
    if condition is None:
        return None
    scope = fail_closed(check(condition, Scope(app.names, form.id), functions, YES_NO))
    refuse_unaskable(app, form.id, scope)
    return scope


def _fields(names: Sequence[str] | None, form: CompiledForm, problems: Problems, place: Path) -> frozenset[str] | None:
    if names is None or list(names) == ["*"]:
        return None
    for index, name in enumerate(names):
        if name == "*":
            problems.add(place / index, "star_alone", _STAR, _ALL_OR_SOME)
        elif name not in form.field_ids and name not in SYSTEM_FIELDS:
            message = {"en": f"There is no field “{name}” in “{form.name}”", "zh": f"“{form.name}”中不存在字段“{name}”"}
            problems.add(place / index, "unknown_field", message, nearest(name, form.field_ids))
    return frozenset(form.field_ids[name] for name in names if name in form.field_ids)


def _unknown(problems: Problems, place: Path, entry: AccessDefinition, app: CompiledApp) -> None:
    if entry.form not in app.form_ids:
        message = {"en": f"There is no form “{entry.form}”", "zh": f"不存在表单“{entry.form}”"}
        problems.add(place / "form", "unknown_form", message, nearest(entry.form, app.form_ids))
    if entry.role not in app.role_ids:
        message = {"en": f"There is no role “{entry.role}”", "zh": f"不存在角色“{entry.role}”"}
        problems.add(place / "role", "unknown_role", message, nearest(entry.role, app.role_ids))


_STAR: Text = {
    "en": "“*” means all fields, and others are named beside it",
    "zh": "“*”表示全部字段，不能再列出其他字段",
}
_ALL_OR_SOME: Text = {"en": "Write “*” alone, or leave it out", "zh": "请只写“*”，或将其删去"}
