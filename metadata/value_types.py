"""The closed list of value types: all that expressions, SQL, JSON and filters know about a field."""

from dataclasses import dataclass, replace
from typing import Literal

type_names = (
    "text",
    "number",
    "yes_no",
    "date",
    "datetime",
    "member",
    "department",
    "link",
    "list",
    "rows",
    "blank",
)
TypeName = Literal[
    "text", "number", "yes_no", "date", "datetime", "member", "department", "link", "list", "rows", "blank"
]


@dataclass(frozen=True)
class ValueType:
    """What kind of value a field or an expression holds.

    `decimals` belongs to numbers (digits after the point), `form` to links and rows (the id of the form or subform
    they lead to), `of` to lists (the type of one element). `volatile` says that the value changes with the clock, so
    that it may never be stored; it spreads from `today` and `now` to whatever reads them.
    """

    name: TypeName
    decimals: int | None = None
    form: str | None = None
    of: "ValueType | None" = None
    volatile: bool = False

    def as_volatile(self) -> "ValueType":
        return replace(self, volatile=True)

    @property
    def element(self) -> "ValueType":
        """What there are several of in a list; a single value is its own element."""
        return self.of if self.name == "list" and self.of is not None else self

    @property
    def is_reference(self) -> bool:
        """Whether the value is an id that leads elsewhere: a member, a department or a linked record."""
        return self.name in ("member", "department", "link")


LARGEST_ID = 2**63 - 1

TEXT = ValueType("text")
YES_NO = ValueType("yes_no")
DATE = ValueType("date")
DATETIME = ValueType("datetime")
MEMBER = ValueType("member")
DEPARTMENT = ValueType("department")
BLANK = ValueType("blank")


def number(decimals: int = 4) -> ValueType:
    return ValueType("number", decimals=decimals)


def link(form: str) -> ValueType:
    return ValueType("link", form=form)


def rows(subform: str) -> ValueType:
    return ValueType("rows", form=subform)


def list_of(element: ValueType) -> ValueType:
    return ValueType("list", of=element)


def id_in(text: str) -> int | None:
    """The id of a member, a department or a record that a text is; None for a text that can be no id.

    >>> id_in("1042"), id_in("²"), id_in("0"), id_in("9" * 19)
    (1042, None, None, None)
    """
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and 0 < int(text) <= LARGEST_ID else None
