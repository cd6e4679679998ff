"""The pattern of automatic numbers: its own small grammar, the period of its counter, and the text of a number."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledField, CompiledForm
from engines.forms.context import FormContext
from metadata.problems import ROOT, Problem, nearest

DATE_PARTS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
SIMPLE_TYPES = ("text", "number", "date", "datetime", "yes_no")

_mark = re.compile(r"\{([^{}]*)\}")
_counter = re.compile(r"0{1,12}\Z")


def period_of(field: CompiledField, today: date) -> str:
    """The period whose counter gives the next number: "" (for ever), "2026", "2026-03" or "2026-03-09"."""
    reset = field.options.reset or _reset_of(field.options.pattern)
    return {"never": "", "year": f"{today:%Y}", "month": f"{today:%Y-%m}", "day": f"{today:%Y-%m-%d}"}[reset]


def number_text(field: CompiledField, form: CompiledForm, count: int, today: date, record: Mapping[str, Any]) -> str:
    """The text of the number that the counter stands at."""

    def fill(mark: re.Match[str]) -> str:
        inside = mark[1]
        if inside in DATE_PARTS:
            return _date_part(inside, today)
        if inside.startswith("field:"):
            return _plain(record.get(form.field_ids[inside[6:]]))
        return str(count).zfill(len(inside))

    return _mark.sub(fill, field.options.pattern)


def pattern_problems(pattern: str, context: FormContext) -> Iterator[Problem]:
    """What is wrong with a pattern: unknown marks, no counter or several, a field that is no plain value."""
    path = ROOT / "pattern"
    marks = _mark.findall(pattern)
    if "{" in _mark.sub("", pattern) or "}" in _mark.sub("", pattern):
        yield Problem(path, "bad_pattern", {"en": "A brace is not closed", "zh": "花括号没有配对"})
    counters = [mark for mark in marks if _counter.match(mark)]
    if len(counters) != 1:
        yield Problem(
            path,
            "bad_pattern",
            {"en": "The pattern needs exactly one counter", "zh": "编号规则必须有且只有一个流水号"},
            {"en": "Write it as {0000}, a zero for each digit", "zh": "请写成 {0000}，每个 0 代表一位"},
        )
    for mark in marks:
        if mark.startswith("field:"):
            yield from _field_problems(path, mark[6:], context)
        elif mark not in DATE_PARTS and not _counter.match(mark):
            message = {"en": f"“{{{mark}}}” means nothing here", "zh": f"无法识别“{{{mark}}}”"}
            hint = {
                "en": "There are {YYYY} {YY} {MM} {DD}, {0000} and {field:name}",
                "zh": "可用：{YYYY} {YY} {MM} {DD}、{0000}、{field:字段名}",
            }
            yield Problem(path, "bad_pattern", message, hint)


def _field_problems(path: Any, name: str, context: FormContext) -> Iterator[Problem]:
    known = context.field_names()
    if name not in known:
        message = {"en": f"There is no field “{name}”", "zh": f"不存在字段“{name}”"}
        yield Problem(path, "unknown_field", message, nearest(name, known))
    elif context.is_own(name):
        message = {"en": "A number cannot be made of itself", "zh": "编号不能由其自身构成"}
        yield Problem(path, "bad_pattern", message)
    elif context.type_of(name).name not in SIMPLE_TYPES:
        message = {"en": f"The field “{name}” has no plain value", "zh": f"字段“{name}”不是简单值"}
        yield Problem(path, "bad_pattern", message)


def _reset_of(pattern: str) -> str:
    marks = _mark.findall(pattern)
    if "DD" in marks:
        return "day"
    if "MM" in marks:
        return "month"
    return "year" if "YYYY" in marks or "YY" in marks else "never"


def _date_part(mark: str, today: date) -> str:
    if mark == "YYYY":
        return f"{today.year:04d}"
    return today.strftime(DATE_PARTS[mark])


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.strftime("%Y%m%d")
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    return str(value)
