"""The reference of the language: docs/definition.md keeps its tables in step with the models and the kinds.

`python -m builder_api.reference docs/definition.md docs/definition.zh.md` writes what stands between the marks anew.
"""

import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from metadata import access, app, conditions, flows, forms, reports, rules, stories
from metadata.kinds import Kinds, OfKind
from metadata.language import COMMON
from metadata.names import IsExpression, IsTemplate, IsValue, Reference
from metadata.text import say
from metadata.walk import annotation_of, arms_of, base_of

MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for module in (app, forms, conditions, flows, rules, reports, access, stories)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
}

MARK = re.compile(r"<!-- (model|kinds) (\w+) -->\n.*?<!-- end -->", re.DOTALL)

WORDS = {
    "en": {
        "key": "key",
        "value": "value",
        "without it": "without it",
        "must": "**must be there**",
        "head": "#### `{}`: {}",
        "list of": "list of {}",
        "object of": "object: {} to {}",
        "text": "text",
        "words": "words",
        "template": "words, may hold `{{ }}`",
        "given": "a value",
        "expression": "expression",
        "condition": "expression (yes or no)",
        "rows": "expression over the rows",
        "name of": "name of a {}",
        "path": "field, or path through links (`customer.level`)",
        "names": {},
        "kind": {
            "field": "field",
            "node": "node",
            "trigger": "trigger",
            "action": "action",
            "chart": "chart",
        },
        "number": "number",
        "whole": "whole number",
        "bool": "`true` or `false`",
        "date": "date",
        "time": "time, as in `09:00`",
        "any": "any JSON",
        "no keys": "No keys of its own.",
        "or": " or ",
    },
    "zh": {
        "key": "键",
        "value": "可填内容",
        "without it": "省略时",
        "must": "**必填**",
        "head": "#### `{}`：{}",
        "list of": "列表：{}",
        "object of": "对象：{} → {}",
        "text": "文本",
        "words": "文字",
        "template": "文字，可含 `{{ }}`",
        "given": "值",
        "expression": "表达式",
        "condition": "条件表达式",
        "rows": "针对各行的表达式",
        "name of": "{}名称",
        "path": "字段，或经由关联的路径（`customer.level`）",
        "names": {
            "form": "表单",
            "field": "字段",
            "role": "角色",
            "flow": "流程",
            "node": "节点",
            "rule": "规则",
            "report": "报表",
            "dashboard": "仪表盘",
        },
        "kind": {"field": "字段", "node": "节点", "trigger": "触发器", "action": "动作", "chart": "图表"},
        "number": "数字",
        "whole": "整数",
        "bool": "`true` 或 `false`",
        "date": "日期",
        "time": "时间，如 `09:00`",
        "any": "任意 JSON",
        "no keys": "没有自己的键。",
        "or": " 或 ",
    },
}


def fill(text: str, kinds: Kinds, language: str) -> str:
    """Write the tables between the marks of a reference anew."""

    def table(mark: re.Match[str]) -> str:
        what, name = mark.groups()
        lines = _model_table(name, language) if what == "model" else _kinds(name, kinds, language)
        return f"<!-- {what} {name} -->\n" + "\n".join(lines) + "\n<!-- end -->"

    return MARK.sub(table, text)


def _model_table(name: str, language: str) -> Iterator[str]:
    yield from _table(MODELS[name], lambda key: True, language)


def _kinds(noun: str, kinds: Kinds, language: str) -> Iterator[str]:
    common = COMMON[noun]  # type: ignore[index]
    described: set[str] = set()
    for kind in kinds.of(noun):  # type: ignore[arg-type]
        yield str(WORDS[language]["head"]).format(kind.name, say(kind.title, language))
        yield ""
        if language == "en" and kind.__doc__:
            yield re.sub(r"\s+", " ", kind.__doc__).strip()
            yield ""
        names = [key for key in kind.Options.model_fields if key not in common.model_fields]
        if names:
            yield from _table(kind.Options, names.__contains__, language)
        else:
            yield str(WORDS[language]["no keys"])
        yield ""
        for model in _own_models(kind.Options):
            if model.__name__ not in described | MODELS.keys():
                described.add(model.__name__)
                yield from (
                    f"`{model.__name__}`{'：' if language == 'zh' else ':'}",
                    "",
                    *_table(model, lambda key: True, language),
                    "",
                )


def _own_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The objects that stand inside the options of a kind, the outer before the inner."""
    for info in model.model_fields.values():
        for inner in _models_in(annotation_of(info)):
            yield inner
            yield from _own_models(inner)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if any(isinstance(each, OfKind) for each in getattr(annotation, "__metadata__", ())):
        return
    base = base_of(annotation)
    if isinstance(base, type) and issubclass(base, BaseModel) and base.__name__ not in MODELS:
        yield base
    for inner in get_args(base):
        yield from _models_in(inner)


def _table(model: type[BaseModel], wanted: Callable[[str], bool], language: str) -> Iterator[str]:
    words = WORDS[language]
    yield f"| {words['key']} | {words['value']} | {words['without it']} |"
    yield "|---|---|---|"
    for name, info in model.model_fields.items():
        if wanted(name):
            yield f"| `{info.alias or name}` | {_value(annotation_of(info), language)} | {_default(info, language)} |"


def _default(info: FieldInfo, language: str) -> str:
    if info.is_required():
        return str(WORDS[language]["must"])
    value = info.get_default(call_default_factory=True)
    if value is None or not value and value is not False and value != 0:
        return ""
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


def _value(annotation: Any, language: str) -> str:
    words: dict[str, Any] = WORDS[language]
    if (said := _marked(annotation, words)) is not None:
        return said
    base = base_of(annotation)
    arms = [arm for arm in arms_of(annotation) if arm is not type(None)]
    if get_origin(base) in (Union, types.UnionType):
        if {base_of(arm) if get_origin(base_of(arm)) is None else get_origin(base_of(arm)) for arm in arms} == {
            str,
            dict,
        }:
            return _value(arms[0], language) if _marked(arms[0], words) else str(words["words"])
        return str(words["or"]).join(dict.fromkeys(_value(arm, language) for arm in arms))
    if get_origin(base) is Literal:
        return " ".join(f"`{str(each).lower() if isinstance(each, bool) else each}`" for each in get_args(base))
    if get_origin(base) in (tuple, list):
        return str(words["list of"]).format(_value(get_args(base)[0], language))
    if get_origin(base) is dict:
        return str(words["object of"]).format(*(_value(each, language) for each in get_args(base)))
    return _plain(base, words)


def _marked(annotation: Any, words: dict[str, Any]) -> str | None:
    while get_origin(annotation) is Annotated:
        for remark in annotation.__metadata__:
            if isinstance(remark, Reference):
                noun = words["names"].get(remark.noun, remark.noun)
                star = f"{words['or']}`*`" if remark.star else ""
                return str(words["path"]) if remark.path else words["name of"].format(noun) + star
            if isinstance(remark, IsExpression):
                key = "rows" if remark.scope == "row" else "condition" if remark.want == "yes_no" else "expression"
                return str(words[key])
            if isinstance(remark, IsTemplate):
                return str(words["template"])
            if isinstance(remark, IsValue):
                return str(words["given"])
            if isinstance(remark, OfKind):
                return str(words["kind"][remark.noun])
        annotation = get_args(annotation)[0]
    return None


def _plain(base: Any, words: dict[str, Any]) -> str:
    plain = {"str": "text", "int": "whole", "bool": "bool", "Decimal": "number", "float": "number"}
    name = getattr(base, "__name__", str(base))
    if name in plain or name in ("date", "time"):
        return str(words[plain.get(name, name)])
    if isinstance(base, type) and issubclass(base, BaseModel):
        return f"`{name}`"
    return str(words["any"])


def main(paths: list[str]) -> None:
    from runtime import plugins

    for each in map(Path, paths):
        language = "zh" if each.name.endswith(".zh.md") else "en"
        each.write_text(fill(each.read_text(encoding="utf-8"), plugins.load(), language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
