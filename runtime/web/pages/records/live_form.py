"""The data block of the live form: what the browser needs to show formulas, visibility and requirement while typing."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledField, CompiledForm
from engines.expressions import NotPushable
from engines.expressions.to_browser import to_browser
from engines.json_values import moment_text
from metadata.expressions import Expression
from runtime.web.formats import NO_BREAK
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.looks import kind_of


def live_state(
    drawing: Drawing,
    form: CompiledForm,
    values: Mapping[str, Any],
    known: frozenset[str],
    user: Mapping[str, Any],
    linked: Mapping[str, Any],
    is_new: bool,
) -> dict[str, Any]:
    """The fields with their checked trees, the values that no input holds, and what links lead to. Only what this
    person may read."""
    fields = {id: _field(drawing, each) for id, each in form.fields.items() if id in known}
    record = {id: plain(value) for id, value in values.items() if id in known or id not in form.fields}
    today = drawing.today.isoformat() if drawing.today else None
    more = f"/apps/{drawing.app.name}/forms/{form.name}/linked"
    return {
        "fields": fields,
        "record": record,
        "today": today,
        "zone": str(drawing.app.zone),
        "clock": str(drawing.zone),
        "user": dict(user),
        "linked": dict(linked),
        "more": more,
        "new": is_new,
    }


def _field(drawing: Drawing, field: CompiledField) -> dict[str, Any]:
    said: dict[str, Any] = {"name": field.name, "kind": kind_of(field.type), "required": field.required}
    if field.type.name == "number":
        said |= {
            "decimals": min(drawing.decimals(field), 2) if drawing.is_money(field) else drawing.decimals(field),
            "percent": drawing.is_percent(field),
            "fixed": drawing.is_money(field),
            "prefix": f"{drawing.prefix(field)}{NO_BREAK}" if drawing.is_money(field) else "",
            "suffix": _suffix(drawing, field),
        }
    if field.storage != "rollup" and field.expression is not None:
        said["formula"] = _tree(field.expression)
    if field.default is not None and field.default.expression is not None and _looks_around(field.default.expression):
        said["default"] = _tree(field.default.expression)
    if field.expression is not None and (choices := drawing.choices(field)):
        said["choices"] = {each.value: each.title for each in choices}
    if field.visible_if is not None:
        said["visible_if"] = _tree(field.visible_if)
    if field.required_if is not None:
        said["required_if"] = _tree(field.required_if)
    if field.subform is not None:
        said["rows"] = {id: _field(drawing, each) for id, each in field.subform.fields.items()}
    return {name: value for name, value in said.items() if value not in (None, "", False)}


def _looks_around(default: Expression) -> bool:
    """Whether a default depends on what is typed elsewhere; it follows that until it is typed over."""
    return any(path[0] in ("record", "row") for path in default.reads)


def _suffix(drawing: Drawing, field: CompiledField) -> str:
    unit = drawing.suffix(field)
    return unit if unit in ("", "%") else f" {unit}"


def _tree(expression: Expression) -> dict[str, Any] | None:
    """The tree for the browser; None for what only the server can work out, which shows after saving."""
    try:
        return to_browser(expression)
    except (NotPushable, NotImplementedError):
        return None


def plain(value: Any) -> Any:
    """A value as JSON for the browser: numbers and ids as text, moments in UTC."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items() if key != "labels"}
    return [plain(each) for each in value]
