"""Access: which role may do what with which records and fields. No entry, no right."""

from typing import Literal

from pydantic import Field

from metadata.names import FieldOrStar, FormName, RoleName, YesNoExpression
from metadata.nouns import Named
from metadata.registry import Options

Verb = Literal[
    "create",
    "read",
    "update",
    "delete",
    "restore",
    "assign",
    "export",
    "import",
    "print",
    "share",
    "bulk",
    "comment",
    "see_history",
    "see_audit",
    "start_flow",
]


class RoleDefinition(Named):
    """A role that members may hold in the app."""


class AccessDefinition(Options):
    """What a role may do with a form: on which records (`where`) and, if not all, with which fields."""

    role: RoleName
    form: FormName
    may: tuple[Verb, ...] = Field(min_length=1)
    where: YesNoExpression | None = None
    fields: tuple[FieldOrStar, ...] | None = None
