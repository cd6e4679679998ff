"""The way out of a problem, where whoever found it knew none that is nearer."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metadata.problems import Problem, Problems
from metadata.text import Text

SEE_REFERENCE: Text = {
    "en": "See the reference of the definition language (docs/definition.md)",
    "zh": "请参阅定义语言参考（docs/definition.zh.md）",
}

HINTS: Mapping[str, Text] = {
    "unknown_field": {
        "en": "Write the name of a field of that form; a text stands in quotes",
        "zh": "请填写该表单中的字段名称；文本需加引号",
    },
    "type_mismatch": {
        "en": "Use values of the same kind; TEXT(), VALUE() and TODATE() convert",
        "zh": "请使用同类的值；可用 TEXT()、VALUE()、TODATE() 转换",
    },
    "wrong_type": {"en": "Use a value of the kind that is asked for", "zh": "请使用所要求类型的值"},
    "not_allowed": {
        "en": "Fields, functions and operators can be used here, nothing else",
        "zh": "此处只能使用字段、函数和运算符",
    },
    "expression_limit": {"en": "Split it into several formula fields", "zh": "请拆分为多个公式字段"},
    "expression_syntax": {"en": "Look for a missing bracket, comma or operator", "zh": "请检查括号、逗号和运算符"},
    "template_syntax": {
        "en": "As in {{ title }} or {% if … %} … {% endif %}",
        "zh": "例如 {{ title }} 或 {% if … %} … {% endif %}",
    },
}


def with_hints(problems: Iterable[Problem]) -> Problems:
    """Give every problem a way out."""
    return Problems([p if p.hint else replace(p, hint=HINTS.get(p.code, SEE_REFERENCE)) for p in problems])
