"""Who decides at a node: how an author says it, and which people that is at the moment the flow gets there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from engines.expressions import Environment, evaluate
from engines.expressions.words import say_expression
from engines.flows.node_type import NodeContext, Visit
from engines.titles import THE_INITIATOR, titles_in
from metadata.expressions import Expression
from metadata.names import ExpressionText, FieldName, RoleName
from metadata.registry import Options
from metadata.text import Text, say

LANGUAGES = ("en", "zh")
INITIATOR = "initiator"  # accepted for `user`, who in a flow is the initiator


@dataclass(frozen=True)
class OneOrMany:
    """A list that may be written as its only member; text that begins with `=` is an expression."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [{"type": "string", "pattern": "^="}, whole["items"], whole]}

    def _expand(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(self._one(each) for each in value)
        return (self._one(value),) if isinstance(value, dict | str) else value

    def _one(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("="):
            return {"expression": value[1:]}
        if isinstance(value, dict):
            return {key: "user" if key != "role" and said == INITIATOR else said for key, said in value.items()}
        return value


class ApproverDefinition(Options):
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

    @model_validator(mode="after")
    def _says_it_once(self) -> "ApproverDefinition":
        said = [key for key in _WAYS if getattr(self, key) is not None]
        if len(said) != 1 or (self.of is not None and self.role is None):
            raise PydanticCustomError("approvers_unclear", _UNCLEAR["en"], {"zh": _UNCLEAR["zh"], "hint": _WAYS_HINT})
        return self


_WAYS = ("role", "member", "field", "manager_of", "head_of", "expression")
_UNCLEAR = {"en": "Say in exactly one way who it is", "zh": "请只用一种方式指定人员"}
_WAYS_HINT = {
    "en": "One of role, member, field, manager_of, head_of, expression; `of` goes with a role",
    "zh": "可用 role、member、field、manager_of、head_of、expression 之一；of 只能与 role 一起使用",
}

Approvers = Annotated[tuple[ApproverDefinition, ...], OneOrMany()]


@dataclass(frozen=True)
class CompiledApprover:
    """One way of naming people, checked: a role id, an address, or an expression and what to make of its value; and
    the same in words, with titles for names."""

    way: str
    role: str | None = None
    address: str | None = None
    expression: Expression | None = None
    words: Text = ""


def compile_approvers(approvers: tuple[ApproverDefinition, ...], context: NodeContext) -> tuple[CompiledApprover, ...]:
    """Check every way; problems land under its own place."""
    return tuple(_compile_one(each, context.at(index)) for index, each in enumerate(approvers))


def _compile_one(approver: ApproverDefinition, context: NodeContext) -> CompiledApprover:
    found = _checked(approver, context)
    words = {language: _one_in_words(approver, language, _titles(found, context, language)) for language in LANGUAGES}
    return replace(found, words=words)


def _checked(approver: ApproverDefinition, context: NodeContext) -> CompiledApprover:
    if approver.role is not None:
        of = _people_of(context, approver.of, "of", DEPARTMENTS) if approver.of is not None else None
        return CompiledApprover("role", role=context.role_id(approver.role, "role"), expression=of)
    if approver.member is not None:
        return CompiledApprover("member", address=approver.member.lower())
    for way, kinds in (("field", MEMBERS), ("manager_of", MEMBERS), ("expression", MEMBERS), ("head_of", DEPARTMENTS)):
        text = getattr(approver, way)
        if text is not None:
            return CompiledApprover(way, expression=_people_of(context, text, way, kinds))
    raise AssertionError("an approver says exactly one thing")


def _titles(found: CompiledApprover, context: NodeContext, language: str) -> dict[str, str]:
    """What to say instead of the names that stand in the definition."""
    titles = {}
    if found.expression is not None:
        called = titles_in(context.app, THE_INITIATOR)
        titles[found.expression.text] = say_expression(found.expression, called, language)
    role_titles: Mapping[str, Text] = getattr(context.app, "role_titles", {})
    if found.role is not None and found.role in role_titles:
        names = {id: name for name, id in context.app.role_ids.items()}
        titles[names[found.role]] = say(role_titles[found.role], language)
    return titles


MEMBERS, DEPARTMENTS = frozenset({"member"}), frozenset({"department"})
_NOUNS: Mapping[str, Text] = {
    "member": {"en": "a member, or members", "zh": "成员"},
    "department": {"en": "a department", "zh": "部门"},
}


def _people_of(context: NodeContext, text: str, key: str, kinds: frozenset[str]) -> Expression | None:
    expression = context.expression(text, key)
    if expression is None:
        return None
    type = expression.type.of if expression.type.name == "list" and expression.type.of else expression.type
    if type.name not in kinds:
        (kind,) = kinds
        noun = _NOUNS[kind]
        assert isinstance(noun, dict)
        message = {"en": f"“{text}” does not give {noun['en']}", "zh": f"“{text}”的结果不是{noun['zh']}"}
        hint = {
            "en": "Name a field of that kind, or `user` for who starts the flow",
            "zh": "请使用该类型的字段，或用 user 表示发起人",
        }
        context.add("wrong_type", message, key, hint=hint)
        return None
    return expression


def resolve(approvers: tuple[CompiledApprover, ...], visit: Visit) -> tuple[int, ...]:
    """The active members that these ways name now, each once, in the order in which they are named."""
    people = visit.facts.organisation.people
    found: dict[int, None] = {}
    for approver in approvers:
        for member in _members(approver, visit):
            if member in people and people[member].active:
                found[member] = None
    return tuple(found)


def _members(approver: CompiledApprover, visit: Visit) -> tuple[int, ...]:
    organisation = visit.facts.organisation
    if approver.way == "member":
        return tuple(each.id for each in organisation.people.values() if each.email.lower() == approver.address)
    value = _value(approver.expression, visit)
    if approver.way == "role":
        holders = organisation.holders(visit.facts.app, approver.role or "")
        return holders if approver.expression is None else _of_department(holders, value, visit)
    if approver.way == "manager_of":
        return tuple(each for each in map(organisation.manager_of, value) if each is not None)
    if approver.way == "head_of":
        return tuple(each for each in map(organisation.head_of, value) if each is not None)
    return value


def _of_department(holders: tuple[int, ...], departments: tuple[int, ...], visit: Visit) -> tuple[int, ...]:
    """The holders in the department; where it has none, those of the nearest department above it that has."""
    organisation = visit.facts.organisation
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


def _value(expression: Expression | None, visit: Visit) -> tuple[int, ...]:
    if expression is None:
        return ()
    value = evaluate(expression, Environment(record=visit.record, facts=visit.as_initiator()))
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def as_written(approvers: tuple[ApproverDefinition, ...], language: str) -> str:
    """Say who decides, by the names that stand in the definition."""
    return _joined((_one_in_words(each, language, {}) for each in approvers), language)


def as_called(approvers: tuple[CompiledApprover, ...], language: str) -> str:
    """Say who decides, by the titles that people know."""
    return _joined((say(each.words, language) for each in approvers), language)


def _joined(words: Iterable[str], language: str) -> str:
    return ("、" if language == "zh" else ", ").join(words)


def _one_in_words(approver: ApproverDefinition, language: str, titles: Mapping[str, str]) -> str:
    chinese = language == "zh"
    if approver.role is not None:
        role = titles.get(approver.role, approver.role)
        of = titles.get(approver.of, approver.of) if approver.of else ""
        said = f"角色“{role}”" if chinese else f"role “{role}”"
        return said if not of else f"{said}({of})" if chinese else f"{said} of {of}"
    if approver.manager_of is not None:
        whom = _person(approver.manager_of, language, titles)
        return f"{whom}的上级" if chinese else f"manager of {whom}"
    if approver.head_of is not None:
        what = titles.get(approver.head_of, approver.head_of)
        return f"{what}的负责人" if chinese else f"head of {what}"
    if approver.field is not None:
        return titles.get(approver.field, approver.field)
    return approver.member or _person(approver.expression or "", language, titles)


def _person(text: str, language: str, titles: Mapping[str, str]) -> str:
    if text == "user":
        return "发起人" if language == "zh" else "the initiator"
    return titles.get(text, text)
