"""What can be read and means something, but nothing that anybody can want: empty conditions, blank words, doubles."""

from collections.abc import Iterator
from typing import Any

from babel.numbers import list_currencies

from metadata.app import AppDefinition
from metadata.conditions import ConditionGroup
from metadata.forms import FormDefinition
from metadata.names import IsTemplate
from metadata.nouns import Named
from metadata.problems import ROOT, Path, Problem
from metadata.rules import ActionDefinition, RuleDefinition
from metadata.text import Text
from metadata.walk import leaves, things

LONGEST_TITLE = 200


def careless(app: AppDefinition) -> Iterator[Problem]:
    """Say what an author cannot have meant."""
    for index, required in enumerate(app.requires):
        if required.app == app.app:
            yield Problem(ROOT / "requires" / index, "requires_itself", _REQUIRES_ITSELF, _LEAVE_OUT)
    for thing in things(app):
        yield from _of_model(thing.model, thing.path)
    for leaf in leaves(app):
        blank = isinstance(leaf.marker, IsTemplate) and isinstance(leaf.value, str) and not leaf.value.strip()
        if blank and isinstance(leaf.holder, ActionDefinition):
            yield Problem(leaf.path, "blank_text", _BLANK, _WRITE_WORDS)


def _of_model(model: Any, path: Path) -> Iterator[Problem]:
    if isinstance(model, Named | AppDefinition):
        yield from _of_title(model.title, path / "title")
    code = getattr(model, "currency", None)
    if isinstance(code, str) and code not in list_currencies():
        message = {"en": f"There is no currency “{code}”", "zh": f"不存在货币“{code}”"}
        yield Problem(path / "currency", "unknown_currency", message, _CURRENCY)
    if isinstance(model, ConditionGroup):
        yield from _of_condition(model, path)
    elif isinstance(model, FormDefinition):
        yield from _twice_in_sections(model, path)
    elif isinstance(model, RuleDefinition) and model.else_ and model.if_ is None:
        yield Problem(path / "else", "else_without_if", _ELSE, _GIVE_IF)


def _of_title(title: Text | None, path: Path) -> Iterator[Problem]:
    for language, words in title.items() if isinstance(title, dict) else [("", title or "")]:
        place = path / language if language else path
        if not words.strip() and title is not None:
            yield Problem(place, "blank_text", _BLANK, _WRITE_WORDS)
        elif len(words) > LONGEST_TITLE:
            message = {
                "en": f"A title has at most {LONGEST_TITLE} characters, this one {len(words)}",
                "zh": f"标题最多 {LONGEST_TITLE} 个字符，此处为 {len(words)} 个",
            }
            limit = {"name": "characters", "max": LONGEST_TITLE, "actual": len(words)}
            yield Problem(place, "too_long", message, _IN_HELP, limit)


def _of_condition(group: ConditionGroup, path: Path) -> Iterator[Problem]:
    lists = {"all": group.all, "any": group.any, "none": group.none}
    written = {key: each for key, each in lists.items() if each is not None}
    if not written:
        yield Problem(path, "empty_condition", _NO_CONDITION, _NAME_ONE)
    for key, each in written.items():
        if not each:
            yield Problem(path / key, "empty_condition", _NO_CONDITION, _NAME_ONE)


def _twice_in_sections(form: FormDefinition, path: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, section in enumerate(form.sections):
        for place, name in enumerate(section.fields):
            if name in seen:
                message = {"en": f"“{name}” stands in the sections twice", "zh": f"“{name}”在分组中重复出现"}
                hint = {"en": "Show it in one place", "zh": "请只保留一处"}
                yield Problem(path / "sections" / index / "fields" / place, "duplicate_name", message, hint)
            seen.add(name)


_REQUIRES_ITSELF: Text = {"en": "An app does not require itself", "zh": "应用不能依赖自身"}
_LEAVE_OUT: Text = {"en": "Leave it out", "zh": "请删去"}
_BLANK: Text = {"en": "There are no words here", "zh": "此处没有文字"}
_WRITE_WORDS: Text = {"en": "Write some, or leave the key out", "zh": "请填写文字，或删去该键"}
_IN_HELP: Text = {"en": "Shorten it; `help` takes longer words", "zh": "请缩短；较长的说明可写在 help 中"}
_ELSE: Text = {"en": "Without an “if” the else never comes about", "zh": "没有 if 时 else 永远不会执行"}
_GIVE_IF: Text = {"en": "Give the rule an “if”, or leave “else” out", "zh": "请为规则添加 if，或删去 else"}
_NO_CONDITION: Text = {"en": "There is no condition here", "zh": "此处没有条件"}
_NAME_ONE: Text = {"en": "Write one, or leave the key out", "zh": "请填写条件，或删去该键"}
_CURRENCY: Text = {"en": "Write its ISO code, as CNY, EUR or USD", "zh": "请填写 ISO 代码，例如 CNY、EUR 或 USD"}
