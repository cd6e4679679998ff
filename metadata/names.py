"""Names and references as types: what a text in a definition is, so that checks and renames need no list."""

import keyword
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

Noun = Literal["form", "field", "role", "flow", "node", "rule", "report", "dashboard", "view"]

MAXIMUM_NAME_LENGTH = 48
ROOTS = frozenset({"record", "old", "user", "today", "now", "true", "false", "null", "none", "blank"})
SYSTEM_FIELDS = (
    "id",
    "version",
    "owner",
    "department",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)
RESERVED = ROOTS | {word.lower() for word in keyword.kwlist} | {"constructor", "prototype"}
RESERVED_OF_FIELDS = frozenset(SYSTEM_FIELDS) | {"csrf"}  # a page sends its token under this name beside the fields
NAME_PATTERN = r"^[a-z](_?[a-z0-9])*_?$"
ID_PATTERN = r"^[a-z]_[a-z0-9_]{1,19}$"

_name = re.compile(NAME_PATTERN[:-1] + r"\Z")
_id = re.compile(ID_PATTERN[:-1] + r"\Z")


def _checked_name(text: str) -> str:
    if text in RESERVED:
        raise PydanticCustomError("reserved_name", "“{name}” is reserved", {"name": text})
    if len(text) > MAXIMUM_NAME_LENGTH:
        raise PydanticCustomError("name_too_long", "the name is too long", {"max": MAXIMUM_NAME_LENGTH})
    if not _name.match(text):
        raise PydanticCustomError("bad_name", "“{name}” is not a name", {"name": text})
    return text


def is_name(text: str) -> bool:
    """Whether an app could be called so."""
    return text not in RESERVED and len(text) <= MAXIMUM_NAME_LENGTH and bool(_name.match(text))


def _checked_field_name(text: str) -> str:
    if text in RESERVED_OF_FIELDS:
        raise PydanticCustomError("reserved_name", "“{name}” is reserved", {"name": text})
    return _checked_name(text)


def _checked_id(text: str) -> str:
    if not _id.match(text):
        raise PydanticCustomError("bad_id", "“{id}” is not an id", {"id": text})
    return text


def _name_schema(reserved: frozenset[str] | set[str]) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": NAME_PATTERN,
        "maxLength": MAXIMUM_NAME_LENGTH,
        "not": {"enum": sorted(reserved)},
    }


@dataclass(frozen=True)
class Reference:
    """The text is the name of something else in the app.

    A field belongs to the form at hand (the one its flow, rule, report or form is about), unless `of` says which
    neighbouring key names the form, or `through` which neighbouring key names the link or subform that leads to it
    (where both are given, the one that is filled in counts; where both are, the way leads on from the form). With
    `star`, "*" means all of them. With `path`, dots lead on through links and subforms. With `at_hand`, the text names
    the subform whose rows everything around it is about: bare names in its expressions are fields of the row.
    """

    noun: Noun
    of: str | None = None
    through: str | None = None
    star: bool = False
    path: bool = False
    at_hand: bool = False

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), "x-names": self.noun}


@dataclass(frozen=True)
class IsExpression:
    """The text is an expression: over the record at hand, over rows (`of`, `through` as in Reference), or over none."""

    want: str | None = None
    scope: Literal["record", "row", "none"] = "record"
    of: str | None = None
    through: str | None = None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), "x-expression": self.want or "any"}


@dataclass(frozen=True)
class IsTemplate:
    """The text may hold {{ expression }}, {% for %} and {% if %}."""

    scope: Literal["record", "none"] = "record"


@dataclass(frozen=True)
class IsValue:
    """A value may be given: plain JSON, "=expression", "text {{expression}}" or {"text": "=taken literally"}."""

    scope: Literal["record", "none"] = "record"


Name = Annotated[str, AfterValidator(_checked_name), WithJsonSchema(_name_schema(RESERVED))]
NewFieldName = Annotated[
    str, AfterValidator(_checked_field_name), WithJsonSchema(_name_schema(RESERVED | RESERVED_OF_FIELDS))
]
Id = Annotated[str, AfterValidator(_checked_id), WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]

FormName = Annotated[str, Reference("form")]
FieldName = Annotated[str, Reference("field")]
FieldOrStar = Annotated[str, Reference("field", star=True)]
FieldOfForm = Annotated[str, Reference("field", of="form")]
FieldOfFormOrRows = Annotated[str, Reference("field", of="form", through="rows")]
FieldThroughLink = Annotated[str, Reference("field", through="link")]
FieldThroughRows = Annotated[str, Reference("field", through="rows")]
RowsAtHand = Annotated[str, Reference("field", at_hand=True)]
FieldPath = Annotated[str, Reference("field", path=True)]
RoleName = Annotated[str, Reference("role")]
FlowName = Annotated[str, Reference("flow")]
NodeName = Annotated[str, Reference("node")]
RuleName = Annotated[str, Reference("rule")]
ReportName = Annotated[str, Reference("report")]
DashboardName = Annotated[str, Reference("dashboard")]

ExpressionText = Annotated[str, IsExpression()]
YesNoExpression = Annotated[str, IsExpression(want="yes_no")]
RowExpression = Annotated[str, IsExpression(scope="row", of="form", through="rows")]
FreeExpression = Annotated[str, IsExpression(scope="none")]
