"""People, as authors name them: who is told, who gets a mail, who decides; one vocabulary for rules and flows."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from engines.action_type import ActionContext
from engines.expressions import Environment, evaluate
from engines.expressions.words import say_expression
from engines.facts import Facts
from engines.organisation import Organisation
from engines.titles import THE_INITIATOR, titles_in
from metadata.expressions import Expression
from metadata.names import ExpressionText, FieldName, IsValue, RoleName
from metadata.normalise import by_shape
from metadata.registry import Options
from metadata.text import Text, say

LANGUAGES = ("en", "zh")
WHO_STARTED: Text = {"en": "the initiator", "zh": "发起人"}
INITIATOR = "initiator"  # accepted for `user`, who in a flow is the initiator
MOST_PEOPLE = 1_000  # the largest organisation that was tried (L71)
ADDRESS = re.compile(r"[^@\s,;<>\"\x00-\x1f]{1,64}@[^@\s,;<>\"\x00-\x1f]{1,190}\Z")

WAYS = ("role", "member", "field", "manager_of", "head_of", "expression")
_UNCLEAR = {"en": "Say in exactly one way who it is", "zh": "请只用一种方式指定人员"}
_WAYS_HINT = {
    "en": "One of role, member, field, manager_of, head_of, expression; `of` goes with a role",
    "zh": "可用 role、member、field、manager_of、head_of、expression 之一；of 只能与 role 一起使用",
}


class PersonDefinition(Options):
    """People, said in one way: a role (perhaps of one department only), a member field, a manager, a head, a formula.

    `member` is the e-mail address of one person; apps that travel name roles instead.
    """

    role: RoleName | None = None
    of: ExpressionText | None = None
    member: str | None = None
    field: FieldName | None = None
    manager_of: ExpressionText | None = None
    head_of: ExpressionText | None = None
    expression: ExpressionText | None = None

    @model_validator(mode="before")
    @classmethod
    def _initiator_is_user(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        computed = ("of", "manager_of", "head_of", "expression")
        return {key: "user" if key in computed and text == INITIATOR else text for key, text in said.items()}

    @model_validator(mode="after")
    def _says_it_once(self) -> "PersonDefinition":
        said = [way for way in WAYS if getattr(self, way) is not None]
        if len(said) != 1 or (self.of is not None and self.role is None):
            raise PydanticCustomError("people_unclear", _UNCLEAR["en"], {"zh": _UNCLEAR["zh"], "hint": _WAYS_HINT})
        return self


One = Annotated[
    Annotated[str, IsValue(), Tag("text")] | Annotated[PersonDefinition, Tag("object")], Discriminator(by_shape)
]
People = Annotated[
    Annotated[str, IsValue(), Tag("text")]
    | Annotated[PersonDefinition, Tag("object")]
    | Annotated[tuple[One, ...], Field(min_length=1), Tag("list")],
    Discriminator(by_shape),
]
"""One way of naming people, or a list of them. Text that begins with `=` is an expression; in mails it may be an
address."""


@dataclass(frozen=True)
class CompiledPerson:
    """One way of naming people, checked: a role id, an address, or an expression and what to make of its value; and
    the same in words, with titles for names."""

    way: str
    role: str | None = None
    address: str | None = None
    expression: Expression | None = None
    words: Text = ""


# --- checking ---


def compile_people(people: Any, context: ActionContext, *place: str | int, mail: bool = False) -> tuple[Any, ...]:
    """Check every way; problems land under its own place. Only mails go to addresses."""
    own = context.at(*place)
    if not isinstance(people, tuple | list):
        return (_compile_one(people, own, mail),)
    return tuple(_compile_one(each, own.at(index), mail) for index, each in enumerate(people))


def _compile_one(person: str | PersonDefinition, context: ActionContext, mail: bool) -> CompiledPerson:
    found = _text(person, context, mail) if isinstance(person, str) else _checked(person, context, mail)
    words = {language: _in_words(person, language, _titles(found, context, language)) for language in LANGUAGES}
    return replace(found, words=words)


def _text(text: str, context: ActionContext, mail: bool) -> CompiledPerson:
    if text.startswith("="):
        return CompiledPerson("expression", expression=_people_of(context, text[1:], (), _members(mail)))
    if not (mail and ADDRESS.match(text)):
        message = {"en": f"“{text}” names nobody", "zh": f"“{text}”没有指明任何人"}
        context.add("not_a_person", message, hint=_hint(mail))
    return CompiledPerson("address", address=text)


def _checked(person: PersonDefinition, context: ActionContext, mail: bool) -> CompiledPerson:
    if person.role is not None:
        of = _people_of(context, person.of, ("of",), DEPARTMENTS) if person.of is not None else None
        return CompiledPerson("role", role=context.role_id(person.role, "role"), expression=of)
    if person.member is not None:
        if not ADDRESS.match(person.member):
            message = {"en": f"“{person.member}” is no e-mail address", "zh": f"“{person.member}”不是邮箱地址"}
            context.ask_to_mend("not_a_person", message, "member", hint=_BY_ADDRESS)
        return CompiledPerson("member", address=person.member.lower())
    if person.field is not None:
        text = f"record.{person.field}" if context.scope.in_row else person.field
        return CompiledPerson("field", expression=_people_of(context, text, ("field",), _members(mail)))
    if person.head_of is not None:
        return CompiledPerson("head_of", expression=_people_of(context, person.head_of, ("head_of",), DEPARTMENTS))
    way = "manager_of" if person.manager_of is not None else "expression"
    kinds = MEMBERS if way == "manager_of" else _members(mail)
    return CompiledPerson(way, expression=_people_of(context, getattr(person, way), (way,), kinds))


_BY_ADDRESS: Text = {
    "en": "A member is named by the address of his account; apps that travel name a role",
    "zh": "请填写成员账号的邮箱地址；需迁移的应用请使用角色",
}
MEMBERS, DEPARTMENTS = frozenset({"member"}), frozenset({"department"})


def _members(mail: bool) -> frozenset[str]:
    return MEMBERS | {"text"} if mail else MEMBERS


def _people_of(context: ActionContext, text: str, key: tuple[str, ...], kinds: frozenset[str]) -> Expression | None:
    expression = context.expression(text, *key)
    if expression is None:
        return None
    type = expression.type.element
    if type.name in kinds:
        return expression
    nouns = ("a department", "部门") if kinds == DEPARTMENTS else ("a member, or members", "成员")
    message = {"en": f"“{text}” does not give {nouns[0]}", "zh": f"“{text}”的结果不是{nouns[1]}"}
    context.add("not_a_person", message, *key, hint=_hint("text" in kinds))
    return None


def _hint(mail: bool) -> Text:
    english = 'Write “=owner”, {"manager_of": "owner"} or {"role": "…"}; in a flow `user` is who started it'
    chinese = '请写 “=owner”、{"manager_of": "owner"} 或 {"role": "…"}；流程中 user 表示发起人'
    if not mail:
        return {"en": english, "zh": chinese}
    return {"en": f"{english}; or an address", "zh": f"{chinese}；也可写邮箱地址"}


# --- who it is now ---


def expressions_of(people: Iterable[CompiledPerson]) -> Iterator[Expression]:
    """What has to be known before they can be named."""
    return (each.expression for each in people if each.expression is not None)


def resolve(people: Iterable[CompiledPerson], app: str, environment: Environment) -> tuple[int | str, ...]:
    """The active members, and the addresses, that are meant at this moment: each once, as they are named."""
    found: dict[int | str, None] = {}
    for person in people:
        for each in _named(person, app, environment):
            if _is_reachable(each, environment.facts):
                found[each] = None
    return tuple(found)[:MOST_PEOPLE]


def _named(person: CompiledPerson, app: str, environment: Environment) -> tuple[Any, ...]:
    organisation = environment.facts.organisation
    if person.way == "address":
        return (person.address,)
    if person.way == "member":
        return tuple(each.id for each in organisation.people.values() if each.email.lower() == person.address)
    value = _value(person.expression, environment)
    if person.way == "role":
        holders = organisation.holders(app, person.role or "")
        return holders if person.expression is None else _of_department(holders, value, organisation)
    if person.way == "manager_of":
        return tuple(organisation.manager_of(each) for each in value)
    if person.way == "head_of":
        return tuple(organisation.head_of(each) for each in value)
    return value


def _of_department(
    holders: tuple[int, ...], departments: tuple[int, ...], organisation: Organisation
) -> tuple[int, ...]:
    """The holders in the department; where it has none, those of the nearest department above it that has."""
    found: dict[int, None] = {}
    for department in departments:
        at: int | None = department
        for _ in range(len(organisation.departments)):
            here = [each for each in holders if organisation.people[each].department == at]
            if here or at is None or at not in organisation.departments:
                found.update(dict.fromkeys(here))
                break
            at = organisation.departments[at].parent
    return tuple(found)


def _value(expression: Expression | None, environment: Environment) -> tuple[Any, ...]:
    value = evaluate(expression, environment) if expression is not None else None
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def _is_reachable(each: Any, facts: Facts) -> bool:
    if isinstance(each, str):
        return ADDRESS.match(each) is not None
    person = facts.organisation.people.get(each) if each is not None else None
    return person is not None and person.active


# --- in words ---


def say_people(people: Any, language: str) -> str:
    """Say who it is, by the names (or the titles) that stand in the definition."""
    many = people if isinstance(people, tuple | list) else (people,)
    return _joined((_in_words(each, language, {}) for each in many), language)


def say_called(people: Iterable[CompiledPerson], language: str) -> str:
    """Say who it is, by the titles that people know."""
    return _joined((say(each.words, language) for each in people), language)


def _titles(found: CompiledPerson, context: ActionContext, language: str) -> dict[str, str]:
    """What to say instead of the names that stand in the definition."""
    titles = {}
    if found.expression is not None:
        titles[found.expression.text] = say_expression(
            found.expression, titles_in(context.app, THE_INITIATOR), language
        )
    if found.role is not None and found.role in context.app.role_titles:
        names = {id: name for name, id in context.app.role_ids.items()}
        titles[names[found.role]] = say(context.app.role_titles[found.role], language)
    return titles


def _joined(words: Iterable[str], language: str) -> str:
    return ("、" if language == "zh" else ", ").join(words)


def _in_words(person: str | PersonDefinition, language: str, titles: Mapping[str, str]) -> str:
    chinese = language == "zh"
    if isinstance(person, str):
        return _person(person.removeprefix("="), language, titles)
    if person.role is not None:
        role = titles.get(person.role, person.role)
        of = titles.get(person.of, person.of) if person.of else ""
        said = f"角色“{role}”" if chinese else f"role “{role}”"
        return said if not of else f"{said}（{of}）" if chinese else f"{said} of {of}"
    if person.manager_of is not None:
        whom = _person(person.manager_of, language, titles)
        return f"{whom}的上级" if chinese else f"manager of {whom}"
    if person.head_of is not None:
        what = titles.get(person.head_of, person.head_of)
        return f"{what}的负责人" if chinese else f"head of {what}"
    return _person(person.field or person.member or person.expression or "", language, titles)


def _person(text: str, language: str, titles: Mapping[str, str]) -> str:
    return say(WHO_STARTED, language) if text == "user" else titles.get(text, text)
