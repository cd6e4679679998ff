"""How large a definition may be; each limit has a number, so that a message can name it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from metadata.app import AppDefinition
from metadata.conditions import terms
from metadata.flows import FlowDefinition, NodeDefinition
from metadata.forms import FieldDefinition, FormDefinition
from metadata.problems import ROOT, InvalidDefinition, LimitExceeded, Path, Problem
from metadata.rules import RuleDefinition
from metadata.text import Text
from metadata.walk import Thing, things

FORMS, FIELDS, SUBFORM_DEPTH = 100, 150, 2
CHOICES = 500
RULES, ACTIONS, CONDITIONS = 50, 20, 30
NODES, BRANCHES = 100, 10
DEFINITION_BYTES = 5_000_000
MAXIMUM_DEPTH = 32

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_depth(document: Any) -> None:
    """Refuse a document that is nested too deeply to walk through."""
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        if depth > MAXIMUM_DEPTH and inner:
            raise LimitExceeded(_over(ROOT, "L02", "levels of nesting", "嵌套层数", MAXIMUM_DEPTH, depth))
        waiting.extend((each, depth + 1) for each in inner)


def check_characters(document: Any) -> None:
    """Refuse a document that holds characters which no database keeps and nobody sees."""
    found = _control_in(document)
    if found is not None:
        parts, character = found
        shown = f"U+{ord(character):04X}"
        message: Text = {"en": f"The character {shown} cannot stand in a text", "zh": f"文本中不能含有字符 {shown}"}
        hint: Text = {"en": "Remove the control character", "zh": "请删除该控制字符"}
        raise InvalidDefinition(Problem(Path(parts), "control_character", message, hint))


def _control_in(value: Any) -> tuple[tuple[str | int, ...], str] | None:
    """The first control character and its place, as seen from here; places are only made where there is one."""
    if isinstance(value, str):
        found = _control.search(value)
        return ((), found.group()) if found else None
    if isinstance(value, dict):
        return _control_among(value.items()) or _control_in(" ".join(map(str, value)))
    return _control_among(enumerate(value)) if isinstance(value, list | tuple) else None


def _control_among(items: Iterable[tuple[Any, Any]]) -> tuple[tuple[str | int, ...], str] | None:
    for key, each in items:
        if found := _control_in(each):
            return (key if isinstance(key, int) else str(key), *found[0]), found[1]
    return None


def check_size(size: int) -> None:
    """Refuse a definition that is too large to look at."""
    if size > DEFINITION_BYTES:
        raise LimitExceeded(
            _over(ROOT, "L54", "bytes of the definition", "定义的字节数", DEFINITION_BYTES, size), status=413
        )


def check_limits(app: AppDefinition) -> Iterator[Problem]:
    """Say where a definition goes beyond the limits."""
    yield from _too_many(ROOT / "forms", app.forms, "L26", "forms of an app", "应用的表单数", FORMS)
    yield from _rules_per_form(app)
    for thing in things(app):
        yield from _check(thing)


def _check(thing: Thing) -> Iterator[Problem]:
    model, path = thing.model, thing.path
    if isinstance(model, FormDefinition):
        yield from _too_many(path / "fields", model.fields, "L26", "fields of a form", "表单的字段数", FIELDS)
    elif isinstance(model, FieldDefinition):
        yield from _check_field(thing)
    elif isinstance(model, RuleDefinition):
        yield from _too_many(path / "then", model.then, "L34", "actions of a rule", "规则的动作数", ACTIONS)
        yield from _too_many(path / "else", model.else_, "L34", "actions of a rule", "规则的动作数", ACTIONS)
        conditions = list(terms(model.if_))
        yield from _too_many(path / "if", conditions, "L34", "conditions of a rule", "规则的条件数", CONDITIONS)
    elif isinstance(model, FlowDefinition):
        nodes = [each for each in things(model) if isinstance(each.model, NodeDefinition)]
        yield from _too_many(path / "nodes", nodes, "L49", "nodes of a flow", "流程的节点数", NODES)
    elif isinstance(model, NodeDefinition):
        branches = getattr(model, "branches", ())
        yield from _too_many(path / "branches", branches, "L49", "branches of a node", "节点的分支数", BRANCHES)


def _check_field(thing: Thing) -> Iterator[Problem]:
    choices = getattr(thing.model, "options", None)
    if isinstance(choices, tuple):
        yield from _too_many(thing.path / "options", choices, "L28", "choices of a field", "字段的选项数", CHOICES)
    depth = sum(isinstance(each, FormDefinition | FieldDefinition) for each in thing.around)
    if depth > SUBFORM_DEPTH:
        yield _over(thing.path, "L26", "levels of subforms", "子表单的层数", SUBFORM_DEPTH, depth)


def _rules_per_form(app: AppDefinition) -> Iterator[Problem]:
    counted: dict[str | None, int] = {}
    for index, rule in enumerate(app.rules):
        counted[rule.when.form] = counted.get(rule.when.form, 0) + 1
        if counted[rule.when.form] == RULES + 1:
            total = sum(each.when.form == rule.when.form for each in app.rules)
            yield _over(ROOT / "rules" / index, "L34", "rules of a form", "表单的规则数", RULES, total)


def _too_many(path: Path, things: Any, limit: str, english: str, chinese: str, most: int) -> Iterator[Problem]:
    if len(things) > most:
        yield _over(path, limit, english, chinese, most, len(things))


def _over(path: Path, limit: str, english: str, chinese: str, most: int, actual: int) -> Problem:
    message: Text = {"en": f"{actual} {english}; at most {most}", "zh": f"{chinese}为 {actual}，最多 {most}"}
    hint: Text = {"en": "Split it up or leave something out", "zh": "请拆分或删减"}
    return Problem(path, "limit_exceeded", message, hint, {"limit": limit, "max": most, "actual": actual})
