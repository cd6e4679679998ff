"""Choices of select fields: what an option is, and whether a value is one of them."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from engines.checks.installation import id_problem
from engines.compiled import CompiledField
from engines.forms.texts import wrong_type
from engines.values import ValueProblem
from metadata import registry
from metadata.names import FieldName
from metadata.normalise import Short, Words
from metadata.problems import ROOT, Path, Problem, Problems, nearest
from metadata.text import Text, say

MOST_CHOICES = 500

Colour = Literal["grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"]


class Option(registry.Options):
    """One choice. Its value is its id and never changes; its title may.

    `sets` gives other fields of the record a value when this choice is taken (a stage its win rate), unless the same
    save gives them one. `goal` says what the stage is for; `requires` lists what must be filled in while it lasts.
    `was` names options that are gone: publishing moves their records to this one.
    """

    value: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")
    title: Words | None = None
    colour: Colour | None = None
    goal: Words | None = None
    sets: dict[FieldName, Any] = {}
    requires: tuple[FieldName, ...] = ()
    was: tuple[str, ...] = ()


Choices = Annotated[tuple[Annotated[Option, Short("value")], ...], Field(min_length=1, max_length=MOST_CHOICES)]


def doubled_choices(options: Sequence[Option]) -> Iterator[Problem]:
    """Every value that stands twice among the options, or is both there and gone."""
    values = [option.value for option in options] + [gone for option in options for gone in option.was]
    for value, times in Counter(values).items():
        if times > 1:
            message = {"en": f"The option “{value}” is there twice", "zh": f"选项“{value}”重复"}
            yield Problem(ROOT / "options", "duplicate_option", message)


def check_settings(form: Path, fields: Collection[CompiledField], problems: Problems) -> None:
    """What an option sets has to be a value of the field it is set in; the names were checked before."""
    by_name = {each.name: each for each in fields}
    for each in fields:
        for index, option in enumerate(each.choices.values()):
            place = form / "fields" / each.position / "options" / index / "sets"
            for name, value in getattr(option, "sets", {}).items():
                if name == each.name:
                    problems.add(place / name, "sets_itself", _SETS_ITSELF, _LEAVE_OUT)
                elif name in by_name:
                    _check_setting(by_name[name], value, place / name, problems)


def _check_setting(target: CompiledField, value: Any, place: Path, problems: Problems) -> None:
    if target.is_derived or target.storage == "rows":
        message = {"en": "This field is computed and cannot be set", "zh": "该字段为计算字段，不能赋值"}
        problems.add(place, "computed_field", message)
        return
    if value not in (None, "", []) and (problem := id_problem(target)) is not None:
        problems.items.append(problem.under(place))
        return
    try:
        target.kind.parse(value, target)
    except ValueProblem as problem:
        problems.items.append(problem.at(place))


def read_choice(raw: Any, field: CompiledField) -> str | None:
    """Read the value of an option; a title is offered as a hint."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise wrong_type(raw, {"en": "the value of an option", "zh": "选项值"})
    if raw not in field.choices:
        raise ValueProblem(
            "not_an_option",
            {"en": f"“{raw[:40]}” is not one of the options", "zh": f"“{raw[:40]}”不是可选项"},
            _hint(raw, field),
        )
    return raw


def _hint(raw: str, field: CompiledField) -> Any:
    for value, option in field.choices.items():
        titles = (say(option.title, "en"), say(option.title, "zh"))
        if raw in titles:
            return {"en": f"The value of that option is “{value}”", "zh": f"该选项的值是“{value}”"}
    return nearest(raw, field.choices) or {
        "en": "Options are " + ", ".join(list(field.choices)[:10]),
        "zh": "可选项：" + "、".join(list(field.choices)[:10]),
    }


_SETS_ITSELF: Text = {
    "en": "An option cannot set the field in which it is chosen",
    "zh": "选项不能设置自身所在的字段",
}
_LEAVE_OUT: Text = {"en": "Leave it out, or name another field", "zh": "请删去，或改填其他字段"}
