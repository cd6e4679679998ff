"""What Pydantic says about a document, in our words: where, which kind, a sentence in two languages, and a way out."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from metadata.app import RESERVED_KEYS
from metadata.hints import SEE_REFERENCE
from metadata.kinds import Models
from metadata.names import ROOTS
from metadata.places import keys_of, model_at, place_in_document, place_of_value
from metadata.problems import Path, Problem, nearest
from metadata.text import Text

NOUNS: Mapping[str, tuple[str, str]] = {
    "field": ("kind of field", "字段类型"),
    "node": ("kind of node", "节点类型"),
    "trigger": ("trigger", "触发器"),
    "action": ("action", "动作"),
    "chart": ("kind of chart", "图表类型"),
}

SHAPES: Mapping[str, tuple[str, str]] = {
    "string": ("text", "文本"),
    "int": ("a whole number", "整数"),
    "float": ("a number", "数字"),
    "decimal": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"),
    "tuple": ("a list", "列表"),
    "list": ("a list", "列表"),
    "set": ("a list", "列表"),
    "dict": ("an object", "对象"),
    "model": ("an object", "对象"),
    "model_attributes": ("an object", "对象"),
    "date": ("a date, as in 2026-03-02", "日期，例如 2026-03-02"),
    "date_from_datetime": ("a date, as in 2026-03-02", "日期，例如 2026-03-02"),
    "time": ("a time of day, as in 09:00", "时间，例如 09:00"),
    "none_required": ("null", "null"),
}

BOUNDS: Mapping[str, tuple[str, str, str]] = {
    "greater_than_equal": ("ge", "at least", "不小于"),
    "greater_than": ("gt", "more than", "大于"),
    "less_than_equal": ("le", "at most", "不大于"),
    "less_than": ("lt", "less than", "小于"),
}

MEASURES = {"characters": "个字符", "entries": "项"}


def shape_problems(error: ValidationError, document: Any, models: Models) -> Iterator[Problem]:
    """Say everything that is wrong with the shape of a document; two readings of one value are one problem."""
    said: set[tuple[Path, str]] = set()
    for line in error.errors(include_url=False):
        if _is_echo(line):
            continue
        problem = _problem(line, document, models)
        if (problem.path, problem.code) not in said:
            said.add((problem.path, problem.code))
            yield problem


def _is_echo(line: Any) -> bool:
    """Wrong entries do not count as entries; of a list that is long enough as written they have said what is wrong."""
    return bool(line["type"] == "too_short" and len(line["input"]) >= line["ctx"]["min_length"])


def _problem(line: Any, document: Any, models: Models) -> Problem:
    find_place = place_of_value if "zh" in line.get("ctx", {}) else place_in_document
    path = find_place(line["loc"], document)
    kind = line["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, document, models)
    if kind == "missing":
        return _missing(path)
    return value_problem(path, line) or _other(path, line)


def value_problem(path: Path, line: Any) -> Problem | None:
    """What is wrong with a value, whatever it stands in; None where a validator of its own said so."""
    kind, context, value = line["type"], line.get("ctx", {}), line.get("input")
    if kind in BOUNDS:
        return _bound(path, kind, context, value)
    if kind == "literal_error":
        return _choice(path, context, value)
    if kind in CUSTOM:
        return CUSTOM[kind](path, context)
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return _length(path, kind, context)
    if kind == "string_pattern_mismatch":
        return _pattern(path, context, value)
    shape = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_inclusive")
    if kind in ("union_tag_not_found", "union_tag_invalid", "not_an_object"):
        return _wrong_type(path, ("text or an object", "文本或对象"), value)
    if shape in SHAPES:
        return _wrong_type(path, SHAPES[shape], value)
    return None


def _other(path: Path, line: Any) -> Problem:
    """What a kind's own validator says; it may give `zh` and `hint` in the context of its error."""
    context = line.get("ctx", {})
    said = str(context.get("error", line["msg"]))
    message = {"en": said, "zh": str(context.get("zh", "此处的内容不正确"))}
    code = "bad_value" if line["type"] in ("value_error", "assertion_error") else line["type"]
    return Problem(path, code, message, context.get("hint", SEE_REFERENCE))


def _pattern(path: Path, context: Mapping[str, Any], value: Any) -> Problem:
    message = {"en": f"“{value}” is not written as it must be", "zh": f"“{value}”的写法不正确"}
    pattern = context.get("pattern")
    return Problem(path, "bad_pattern", message, {"en": f"It must match {pattern}", "zh": f"应符合 {pattern}"})


def _unknown_key(path: Path, document: Any, models: Models) -> Problem:
    key = str(path.parts[-1])
    if path.parts == (key,) and key in RESERVED_KEYS:
        message = {"en": f"“{key}” is reserved for a later version", "zh": f"“{key}”为将来版本保留"}
        return Problem(path, "reserved_key", message, {"en": "Leave it out", "zh": "请删除该键"})
    message = {"en": f"There is no key “{key}” here", "zh": f"此处没有“{key}”这个键"}
    model = model_at(Path(path.parts[:-1]), document, models)
    known = keys_of(model) if model else []
    return Problem(path, "unknown_key", message, nearest(key, known) or _one_of(known))


def _one_of(known: Iterable[str]) -> Text:
    names = [str(each) for each in known]
    if not names:
        return ""
    return {"en": f"Known here: {', '.join(names)}", "zh": f"可用的有：{'、'.join(names)}"}


def _missing(path: Path) -> Problem:
    key = path.parts[-1] if path.parts else ""
    message = {"en": f"“{key}” is missing", "zh": f"缺少“{key}”"}
    return Problem(path, "missing_key", message, {"en": f"Add “{key}”", "zh": f"请补上“{key}”"})


def _wrong_type(path: Path, expected: tuple[str, str], value: Any) -> Problem:
    found = _shape_of(value)
    message = {"en": f"This must be {expected[0]}, not {found[0]}", "zh": f"此处应为{expected[1]}，而不是{found[1]}"}
    hint = {"en": f"Write {expected[0]}", "zh": f"请填写{expected[1]}"}
    return Problem(path, "wrong_type", message, hint)


def _shape_of(value: Any) -> tuple[str, str]:
    shapes: tuple[tuple[Any, tuple[str, str]], ...] = (
        (bool, ("true or false", "true 或 false")),
        (int | float, ("a number", "数字")),
        (str, ("text", "文本")),
        (dict, ("an object", "对象")),
        (list | tuple, ("a list", "列表")),
    )
    return next((words for kind, words in shapes if isinstance(value, kind)), ("null", "null"))


def _choice(path: Path, context: Mapping[str, Any], value: Any) -> Problem:
    allowed = [part.strip("'") for part in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
    message = {"en": f"“{value}” is not possible here", "zh": f"此处不能填“{value}”"}
    return Problem(path, "unknown_choice", message, nearest(str(value), allowed) or _one_of(allowed))


def _bound(path: Path, kind: str, context: Mapping[str, Any], value: Any) -> Problem:
    key, english, chinese = BOUNDS[kind]
    bound = context.get(key)
    noun, chinese_noun = ("date", "日期") if _is_day(bound) else ("number", "数字")
    message = {
        "en": f"The {noun} must be {english} {bound}, not {value}",
        "zh": f"{chinese_noun}应{chinese} {bound}，而不是 {value}",
    }
    hint = {
        "en": f"Write a {noun} that is {english} {bound}",
        "zh": f"请填写{chinese} {bound} 的{chinese_noun}",
    }
    return Problem(path, "out_of_range", message, hint)


def _is_day(bound: Any) -> bool:
    """A bound of a date; the checker gives it as text."""
    return isinstance(bound, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", bound) is not None


def _length(path: Path, kind: str, context: Mapping[str, Any]) -> Problem:
    if kind.endswith("too_short"):
        return _too_short(path, context.get("min_length", 1), "characters" if kind.startswith("string") else "entries")
    most = context.get("max_length")
    message = {"en": f"This is too long; at most {most}", "zh": f"内容过长，最多 {most}"}
    return Problem(path, "too_long", message, {"en": "Make it shorter", "zh": "请缩短内容"})


def _too_short(path: Path, least: int, what: Literal["characters", "entries"]) -> Problem:
    if least == 1:
        message: Text = {"en": "This must not be empty", "zh": "此处不能为空"}
        return Problem(path, "too_short", message, {"en": "Add at least one entry", "zh": "请至少填写一项"})
    message = {"en": f"There must be at least {least} {what} here", "zh": f"此处至少应有 {least} {MEASURES[what]}"}
    return Problem(
        path, "too_short", message, {"en": f"Make it {least} {what}", "zh": f"请补足 {least} {MEASURES[what]}"}
    )


def _bad_name(path: Path, context: Mapping[str, Any]) -> Problem:
    message = {"en": f"“{context['name']}” cannot be a name", "zh": f"“{context['name']}”不能作为名称"}
    hint = {
        "en": "Small letters a-z, digits and single underscores, beginning with a letter, as in first_day",
        "zh": "请使用小写字母、数字和单个下划线，并以字母开头，例如 first_day",
    }
    return Problem(path, "bad_name", message, hint)


def _reserved_name(path: Path, context: Mapping[str, Any]) -> Problem:
    name = context["name"]
    why = "is a word of expressions" if name in ROOTS else "is reserved"
    message = {"en": f"“{name}” {why} and cannot be a name", "zh": f"“{name}”是保留字，不能作为名称"}
    other = {"from": "from_date", "class": "class_name", "owner": "account_owner"}.get(name, f"{name}_value")
    return Problem(path, "reserved_name", message, {"en": f"Call it “{other}”", "zh": f"可改为“{other}”"})


def _name_too_long(path: Path, context: Mapping[str, Any]) -> Problem:
    most = context["max"]
    message = {"en": f"A name has at most {most} characters", "zh": f"名称最多 {most} 个字符"}
    return Problem(path, "bad_name", message, {"en": "Use a shorter name", "zh": "请使用更短的名称"})


def _bad_id(path: Path, context: Mapping[str, Any]) -> Problem:
    message = {"en": f"“{context['id']}” cannot be an id", "zh": f"“{context['id']}”不能作为标识"}
    hint = {"en": "Leave the id out; one is given", "zh": "请省略 id，系统会自动分配"}
    return Problem(path, "bad_id", message, hint)


def _unknown_kind(path: Path, context: Mapping[str, Any]) -> Problem:
    english, chinese = NOUNS[context["noun"]]
    message = {"en": f"There is no {english} “{context['name']}”", "zh": f"不存在{chinese}“{context['name']}”"}
    return Problem(
        path, "unknown_kind", message, nearest(context["name"], context["known"]) or _one_of(context["known"])
    )


def _kind_missing(path: Path, context: Mapping[str, Any]) -> Problem:
    english, chinese = NOUNS[context["noun"]]
    message = {
        "en": f"“{context['tag']}” is missing: which {english}?",
        "zh": f"缺少“{context['tag']}”：请指明{chinese}",
    }
    return Problem(path, "missing_key", message, _one_of(context["known"]))


def _unknown_time_zone(path: Path, context: Mapping[str, Any]) -> Problem:
    message = {"en": f"“{context['name']}” is no time zone", "zh": f"“{context['name']}”不是有效的时区"}
    return Problem(path, "unknown_time_zone", message, {"en": "As in Asia/Shanghai", "zh": "例如 Asia/Shanghai"})


def _step_unclear(path: Path, context: Mapping[str, Any]) -> Problem:
    message: Text = {
        "en": "A step says who does what, or how long to wait, or what is then the case",
        "zh": "每一步应说明谁做什么、等待多久，或随后的结果",
    }
    hint = {
        "en": f'As in {{"ann": "saves", ...}} with one of: {", ".join(context["deeds"])}',
        "zh": f'例如 {{"ann": "saves", ...}}，可用：{"、".join(context["deeds"])}',
    }
    return Problem(path, "step_unclear", message, hint)


def _unknown_in_story(path: Path, context: Mapping[str, Any]) -> Problem:
    name, noun = context["name"], {"people": "人", "departments": "部门"}[context["where"]]
    message = {
        "en": f"“{name}” is not among the {context['where']} of this story",
        "zh": f"故事中没有名为“{name}”的{noun}",
    }
    hint = nearest(name, context["known"]) or _one_of(context["known"])
    add: Text = {"en": f"Add it to “{context['where']}”", "zh": f"请在“{context['where']}”中加入"}
    return Problem(path, "unknown_in_story", message, hint or add)


CUSTOM: Mapping[str, Callable[[Path, Mapping[str, Any]], Problem]] = {
    "bad_name": _bad_name,
    "reserved_name": _reserved_name,
    "name_too_long": _name_too_long,
    "bad_id": _bad_id,
    "unknown_kind": _unknown_kind,
    "kind_missing": _kind_missing,
    "unknown_time_zone": _unknown_time_zone,
    "step_unclear": _step_unclear,
    "unknown_in_story": _unknown_in_story,
}
