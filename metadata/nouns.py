"""What the things of a definition have in common: an id that stays, a name that may change, and words for people."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, StringConstraints, Tag

from metadata.names import Id, IsTemplate, IsValue, Name
from metadata.normalise import Language, Words, by_shape
from metadata.registry import Options
from metadata.text import Text, spelt_out

Icon = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48)]

TemplateText = Annotated[
    Annotated[str, IsTemplate(), Tag("text")] | Annotated[dict[Language, Annotated[str, IsTemplate()]], Tag("object")],
    Discriminator(by_shape),
]
"""Words for people that may hold {{ expression }}, in one language or several."""

ValueOf = Annotated[Any, IsValue()]
"""Where a value may be given: plain JSON, "=expression", "text {{expression}}" or {"text": "=taken literally"}."""

FreeValue = Annotated[Any, IsValue(scope="none")]
"""A value that no record stands behind: its expressions may read `user`, `today` and `now` only."""


class Named(Options):
    """A thing with a stable id and a name; `was` tells the name under which it is live, when no id is written."""

    id: Id | None = None
    was: Name | None = Field(default=None, exclude=True)
    name: Name
    title: Words | None = None
    help: Words | None = None

    @property
    def caption(self) -> Text:
        """What people see: the title, else the name with blanks and a capital."""
        return self.title or spelt_out(self.name)

    @property
    def key(self) -> str:
        """The stable id; there from the moment a definition has been read."""
        return self.id or ""
