"""The reference of the function library, made from the functions themselves."""

import doctest
from collections.abc import Iterable

from engines.expressions.function_kind import FunctionKind
from metadata.text import say

THEMES: dict[str, tuple[str, str]] = {
    "logic": ("Conditions and choices", "条件与选择"),
    "rows": ("Over the rows of a subform", "子表单汇总"),
    "numbers": ("Numbers", "数字"),
    "text": ("Text", "文本"),
    "dates": ("Dates", "日期"),
    "lists": ("Lists", "列表"),
    "record": ("The record before the change", "变更前后"),
    "people": ("People", "人员"),
}
HEADS = {"en": "#### `{}`: {}", "zh": "#### `{}`：{}"}
ALSO = {"en": " (also {})", "zh": "（别名 {}）"}
BETWEEN = {"en": ", ", "zh": "、"}


def examples(function: FunctionKind) -> list[tuple[str, str]]:
    """The examples of the docstring: what is written, and what it gives."""
    found = doctest.DocTestParser().get_examples(type(function).__doc__ or "")
    return [(example.source.strip(), example.want.strip()) for example in found]


def reference(functions: Iterable[FunctionKind], language: str) -> str:
    """The whole library as Markdown, by theme."""
    by_name = sorted(functions, key=lambda function: function.name)
    parts = []
    for theme, titles in THEMES.items():
        parts.append(f"### {titles[1] if language == 'zh' else titles[0]}\n")
        parts += [_entry(function, language) for function in by_name if function.theme == theme]
    return "\n".join(parts)


def _entry(function: FunctionKind, language: str) -> str:
    aliases = BETWEEN[language].join(f"`{alias}`" for alias in function.aliases)
    head = HEADS[language].format(_form(function), say(function.title, language))
    head += ALSO[language].format(aliases) if aliases else ""
    lines = [f"{head}\n", f"{say(function.sentence, language)}\n", "```text"]
    lines += [f"{source}  ->  {want}" for source, want in examples(function)]
    return "\n".join([*lines, "```\n"])


def _form(function: FunctionKind) -> str:
    rows = {"countif": "condition", "sumif": "rows.field, condition", "any": "condition", "all": "condition"}
    if function.aggregate and not function.parameters:
        return f"{function.name}({rows.get(function.aggregate, 'rows.field')})"
    return function.form
