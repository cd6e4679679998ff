"""To whom something goes: computed members, holders of a role, fields of the record, and plain addresses."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from engines.action_type import ActionContext, Occasion
from engines.action_values import needs_of
from engines.expressions import evaluate
from engines.facts import Needs
from metadata.expressions import Expression
from metadata.names import FieldName, IsValue, RoleName
from metadata.normalise import by_shape
from metadata.registry import Options
from metadata.text import Text

MOST_RECIPIENTS = 50
ADDRESS = re.compile(r"[^@\s,;<>\"\x00-\x1f]{1,64}@[^@\s,;<>\"\x00-\x1f]{1,190}\Z")


class Recipient(Options):
    """One way to name people: the holders of a role, a member field, its manager, or the head of a department."""

    role: RoleName | None = None
    field: FieldName | None = None
    manager_of: FieldName | None = None
    head_of: FieldName | None = None


One = Annotated[
    Annotated[str, IsValue(), Tag("text")] | Annotated[Recipient, Tag("object")],
    Discriminator(by_shape),
]
Recipients = Annotated[
    Annotated[str, IsValue(), Tag("text")]
    | Annotated[Recipient, Tag("object")]
    | Annotated[tuple[One, ...], Tag("list")],
    Discriminator(by_shape),
]


@dataclass(frozen=True)
class CompiledRecipients:
    """Expressions that give members (or addresses), roles by id, and addresses as written."""

    expressions: tuple[Expression, ...] = ()
    roles: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def compile_recipients(to: Any, context: ActionContext, *place: str | int, mail: bool = False) -> CompiledRecipients:
    """Check who is meant; only mails go to addresses."""
    many = to if isinstance(to, tuple | list) else [to]
    expressions: list[Expression] = []
    roles: list[str] = []
    addresses: list[str] = []
    for index, one in enumerate(many):
        at = (*place, index) if many is to else place
        if isinstance(one, str) and not one.startswith("="):
            addresses.extend(_address(one, context, at, mail))
        elif not isinstance(one, str) and one.role is not None:
            role = context.role_id(one.role, *at, "role")
            roles.extend([role] if role else [])
        else:
            expression = context.expression(_text_of(one, context), *at)
            expressions.extend(_people(expression, context, at, mail))
    return CompiledRecipients(tuple(expressions), tuple(roles), tuple(addresses))


def people_now(recipients: CompiledRecipients, occasion: Occasion) -> tuple[int | str, ...] | Needs:
    """The active members and the addresses that are meant at this moment, each once."""
    needs = needs_of(recipients.expressions, occasion.environment)
    if needs:
        return needs
    found: dict[int | str, None] = {}
    for expression in recipients.expressions:
        value = evaluate(expression, occasion.environment)
        for each in value if isinstance(value, tuple | list | frozenset) else (value,):
            if _is_reachable(each, occasion):
                found[each] = None
    for role in recipients.roles:
        found.update(dict.fromkeys(occasion.facts.organisation.holders(occasion.app, role)))
    found.update(dict.fromkeys(recipients.addresses))
    return tuple(found)[:MOST_RECIPIENTS]


def say_recipients(to: Any, language: str) -> str:
    """Name the recipients in words."""
    many = to if isinstance(to, tuple | list) else [to]
    return ("、" if language == "zh" else ", ").join(_say(one, language) for one in many)


def _say(one: Any, language: str) -> str:
    if isinstance(one, str):
        return one.removeprefix("=")
    if one.role is not None:
        return f"角色“{one.role}”" if language == "zh" else f"everybody who is {one.role}"
    if one.manager_of is not None:
        return f"{one.manager_of} 的上级" if language == "zh" else f"the manager of {one.manager_of}"
    if one.head_of is not None:
        return f"{one.head_of} 的负责人" if language == "zh" else f"the head of {one.head_of}"
    return str(one.field)


def _text_of(one: Any, context: ActionContext) -> str:
    if isinstance(one, str):
        return one[1:]
    prefix = "record." if context.scope.in_row else ""
    if one.manager_of is not None:
        return f"manager_of({prefix}{one.manager_of})"
    if one.head_of is not None:
        return f"head_of({prefix}{one.head_of})"
    return f"{prefix}{one.field}"


def _people(
    expression: Expression | None, context: ActionContext, at: tuple[str | int, ...], mail: bool
) -> list[Expression]:
    if expression is None:
        return []
    kind = expression.type.of if expression.type.name == "list" and expression.type.of else expression.type
    if kind.name == "member" or (mail and kind.name == "text"):
        return [expression]
    context.add("not_a_person", {"en": "This is no member", "zh": "这不是成员"}, *at, hint=_hint(mail))
    return []


def _address(text: str, context: ActionContext, at: tuple[str | int, ...], mail: bool) -> list[str]:
    if mail and ADDRESS.match(text):
        return [text]
    message = {"en": f"“{text}” names nobody", "zh": f"“{text}”没有指明任何人"}
    context.add("not_a_person", message, *at, hint=_hint(mail))
    return []


def _hint(mail: bool) -> Text:
    english = 'Write “=owner”, “=manager_of(owner)” or {"role": "…"}'
    chinese = '请写 “=owner”、“=manager_of(owner)” 或 {"role": "…"}'
    if not mail:
        return {"en": english, "zh": chinese}
    return {"en": f"{english}, or an address", "zh": f"{chinese}，或邮箱地址"}


def _is_reachable(each: Any, occasion: Occasion) -> bool:
    if isinstance(each, str):
        return ADDRESS.match(each) is not None
    person = occasion.facts.organisation.people.get(each) if each is not None else None
    return person is not None and person.active
