"""How the fields of a kind stand on pages: a kind says it, so that no page asks for kinds by their names."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FieldLook:
    """How the fields of a kind stand on pages: the mark of its numbers, whether several of them add up, whether a
    glance at a record should tell them, whether a list shows them before anybody chose its columns, and how wide they
    are on a form (in twelfths) and in a grid; where nothing is said, the value type decides."""

    mark: Literal["", "money", "percent"] = ""
    adds_up: bool = False
    tells: bool = False
    listed: bool = True
    width: int | None = None
    column: Literal["", "small", "medium", "large", "moment"] = ""
