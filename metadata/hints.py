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
    "too_large": {"en": "Write a smaller number", "zh": "请填写更小的数字"},
    "too_small": {"en": "Write a larger number", "zh": "请填写更大的数字"},
    "too_many_decimals": {
        "en": "Write fewer digits after the point, or give the field more `decimals`",
        "zh": "请减少小数位数，或调大该字段的 decimals",
    },
    "expression_empty": {"en": "Write an expression, or leave the key out", "zh": "请填写表达式，或删去该键"},
    "derived_field": {"en": "Set the fields it is computed from", "zh": "请设置其计算来源的字段"},
    "computed_field": {"en": "Leave the key out", "zh": "请删去该键"},
    "wrong_aggregate": {"en": "Use count or sum, or another chart", "zh": "请使用 count 或 sum，或换一种图表"},
    "wrong_dimensions": {"en": "Take another chart, or other dimensions", "zh": "请更换图表或调整维度"},
    "wrong_measures": {"en": "Take another chart, or leave measures out", "zh": "请更换图表或减少指标"},
    "not_writable": {
        "en": "Leave it out; only fields that people fill in can be written",
        "zh": "请删去；只有可填写的字段才能编辑",
    },
    "quorum_without_any": {
        "en": "Leave `quorum` out, or write the mode “any”",
        "zh": "请删去 quorum，或将 mode 设为 any",
    },
    "not_a_link": {"en": "Name a field that links to one record", "zh": "请填写指向单条记录的关联字段"},
    "ambiguous_link": {"en": "Write the name of one as `link`", "zh": "请在 link 中写明字段名称"},
    "no_link": {"en": "Give that form a link to this one first", "zh": "请先为该表单添加指向本表单的关联字段"},
    "not_a_subform": {"en": "Name a field of the type subform", "zh": "请填写子表单类型的字段"},
    "list_behind_link": {"en": "Group by a field that holds one value", "zh": "请按只含一个值的字段分组"},
    "start_not_first": {"en": "Move it to the front, or leave it out", "zh": "请移到最前面，或删去"},
    "bad_rollup": {
        "en": "Name a link to this form, and a stored value of it",
        "zh": "请填写指向本表单的关联字段及其存储的值",
    },
    "duplicate_option": {"en": "Leave one of them out", "zh": "请删去其中之一"},
    "bad_pattern": {
        "en": "As in HT{YYYY}{MM}-{0000} or {field:name}-{000}",
        "zh": "例如 HT{YYYY}{MM}-{0000} 或 {field:name}-{000}",
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
