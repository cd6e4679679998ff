"""What the keys of one field say against one another: whatever its kind, nothing could meet both."""

from typing import Any

from engines.compiled import CompiledField
from engines.forms import tables
from metadata.problems import Path, Problems
from metadata.text import Text

BOUNDS = (("min", "max"), ("min_length", "max_length"), ("min_rows", "max_rows"))


def refuse_contradictions(field: CompiledField, definition: Any, place: Path, problems: Problems) -> None:
    """Add what is wrong with the keys of a compiled field, each at its own key."""
    if field.unique and (field.storage not in ("stored", "number") or field.type.volatile):
        message = {"en": "This field cannot be unique", "zh": "该字段不能设为唯一"}
        hint = {"en": "Only stored single values can", "zh": "只有存储的单值字段可以"}
        problems.add(place / "unique", "cannot_be_unique", message, hint)
    if definition.indexed and not tables.can_be_indexed(field):
        message = {"en": "This field cannot be indexed", "zh": "该字段不能建立索引"}
        hint = {
            "en": "Only stored single values can, and no long texts or yes/no fields",
            "zh": "只有存储的单值字段可以，长文本和是否字段除外",
        }
        problems.add(place / "indexed", "cannot_be_indexed", message, hint)
    if field.is_derived and (field.required or definition.default is not None):
        key = "required" if field.required else "default"
        message = {
            "en": "A computed field cannot be required or have a default",
            "zh": "计算字段不能设为必填或带默认值",
        }
        problems.add(place / key, "computed_field", message)
    if field.required and getattr(definition, "on_delete", None) == "set_null":
        problems.add(place / "on_delete", "set_null_required", _NEVER_EMPTY, _OTHER_WAY)
    if getattr(definition, "show_as", "number") != "number" and field.type.name != "number":
        problems.add(place / "show_as", "no_number", _NO_NUMBER, _LEAVE_OUT)
    _refuse_crossed_bounds(definition, place, problems)


def _refuse_crossed_bounds(definition: Any, place: Path, problems: Problems) -> None:
    for lower, upper in BOUNDS:
        least, most = getattr(definition, lower, None), getattr(definition, upper, None)
        if least is not None and most is not None and least > most:
            message = {
                "en": f"`{upper}` ({most}) is less than `{lower}` ({least}), so nothing would do",
                "zh": f"`{upper}`（{most}）小于 `{lower}`（{least}），没有任何值能满足",
            }
            hint = {"en": f"Write a `{upper}` of at least {least}", "zh": f"请把 `{upper}` 设为不小于 {least}"}
            problems.add(place / upper, "crossed_bounds", message, hint)


_NEVER_EMPTY: Text = {
    "en": "This link is required, so deleting the linked record cannot empty it",
    "zh": "该关联为必填，删除关联记录时不能将其清空",
}
_OTHER_WAY: Text = {
    "en": "Write “restrict” or “cascade”, or do not require the link",
    "zh": "请改用 restrict 或 cascade，或取消必填",
}
_NO_NUMBER: Text = {
    "en": "This formula gives no number that could be shown so",
    "zh": "该公式的结果不是数字，不能如此显示",
}
_LEAVE_OUT: Text = {"en": "Leave “show_as” out", "zh": "请删去 show_as"}
