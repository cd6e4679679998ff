"""What belongs to one installation and so cannot stand in a definition: the ids of people, records and files."""

from typing import Any

from engines.compiled import CompiledField
from metadata.problems import ROOT, Problem
from metadata.text import Text
from metadata.value_types import ValueType


def is_written_out(raw: Any) -> bool:
    """Whether a value stands there as it is: neither nothing, nor an expression or a template."""
    if isinstance(raw, str):
        return not (raw == "" or raw.startswith("=") or "{{" in raw or "{%" in raw)
    return raw is not None and raw != []


def id_problem(field: CompiledField) -> Problem | None:
    """What is wrong with a value that is written out for a field, if only ids can be."""
    return problem_of_id(field.type, field.kind.holds_files)


def problem_of_id(type: ValueType, is_file: bool = False) -> Problem | None:
    """The same, for a type of value."""
    element = type.element
    if not element.is_reference and not is_file:
        return None
    return Problem(ROOT, "id_in_definition", NO_IDS, _NO_FILES if is_file else EXPRESSIONS)


NO_IDS: Text = {
    "en": "A definition cannot name a person, a department, a record or a file by its id",
    "zh": "定义中不能用编号指定成员、部门、记录或文件",
}
EXPRESSIONS: Text = {
    "en": "Write an expression, such as “=user”, “=owner” or “=customer”; ids differ between installations",
    "zh": "请写表达式，例如 “=user”、“=owner” 或 “=customer”；各安装环境的编号不同",
}
_NO_FILES: Text = {
    "en": "Files are uploaded to records; ids differ between installations",
    "zh": "文件须上传到记录中；各安装环境的编号不同",
}
