"""What the value types are called in messages."""

from metadata.value_types import ValueType

NAMES = {
    "text": ("text", "文本"),
    "number": ("number", "数字"),
    "yes_no": ("yes/no", "是/否"),
    "date": ("date", "日期"),
    "datetime": ("date-time", "日期时间"),
    "member": ("member", "成员"),
    "department": ("department", "部门"),
    "link": ("linked record", "关联记录"),
    "list": ("list", "列表"),
    "rows": ("subform", "子表单"),
    "blank": ("blank", "空值"),
}


def said(type: ValueType, language: str) -> str:
    """The name of a type in the language."""
    english, chinese = NAMES[type.name]
    return chinese if language == "zh" else english
