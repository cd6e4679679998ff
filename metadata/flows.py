"""Flows: a tree of nodes through which a record goes, with what its people may see and change at each."""

from typing import Annotated, Literal

from pydantic import Field

from metadata.conditions import Condition
from metadata.kinds import OfKind
from metadata.names import FieldName, FieldOrStar, FieldPath, FormName, Id, Name, Reference
from metadata.normalise import Short, Words
from metadata.nouns import Named
from metadata.registry import Options
from metadata.rules import AnyAction
from metadata.text import Text, spelt_out

FieldRight = Literal["hidden", "read", "write", "required"]


class NodeDefinition(Options):
    """A node: the keys common to all; its kind (`type`) adds its own. A node that nothing names needs no name."""

    id: Id | None = None
    was: Name | None = Field(default=None, exclude=True)
    type: str
    name: Name | None = None
    title: Words | None = None
    help: Words | None = None

    @property
    def caption(self) -> Text:
        """What people see: the title, else the name with blanks and a capital; empty without both."""
        return self.title or spelt_out(self.name or "")

    @property
    def key(self) -> str:
        return self.id or ""


AnyNode = Annotated[NodeDefinition, OfKind("node")]


class Branch(Options):
    """A way through a condition: taken when `if` holds; the last one is the `else`."""

    title: Words | None = None
    if_: Condition | None = None
    else_: Literal[True] | None = None
    nodes: tuple[AnyNode, ...] = ()


class Related(Options):
    """Records that the holder of a task may read while it is open: a link's target, and which of its fields."""

    link: FieldPath
    fields: tuple[Annotated[str, Reference("field", through="link", star=True)], ...] = ("*",)
    history: bool = False


class TaskOptions(Options):
    """What a node that gives people tasks may say about the record: rights by field, and what else may be read.

    `fields` gives the right of single fields ("*" for all others); `edit` is the short way to list those that may be
    written.
    """

    fields: dict[FieldOrStar, FieldRight] = {}
    edit: tuple[FieldName, ...] = ()
    related: tuple[Annotated[Related, Short("link")], ...] = ()


class FlowDefinition(Named):
    """A flow of a form. Among several, a submit starts the first whose `if` holds."""

    form: FormName
    enabled: bool = True
    start: Literal["submit", "rule"] = "submit"
    if_: Condition | None = None
    nodes: tuple[AnyNode, ...] = Field(min_length=1)
    on_start: tuple[AnyAction, ...] = ()
    on_approved: tuple[AnyAction, ...] = ()
    on_rejected: tuple[AnyAction, ...] = ()
    on_returned: tuple[AnyAction, ...] = ()
    on_withdrawn: tuple[AnyAction, ...] = ()
