"""The checked, typed tree of an expression: what every target (asteval, SQL, browser) is made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from metadata.value_types import ValueType

Read = tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """One step of a checked expression.

    kind       value                                args
    literal    the value                            -
    list       -                                    literals (only on the right of `in`)
    root       record, row, old, user, loop0, ...   -
    field      the field's id                       where it is read: a root, or a field that leads there
    identity   -                                    a root: the id of that record
    column     the field's id                       the rows it is read of (only inside an aggregate)
    and or     -                                    conditions
    not        -                                    condition
    if         -                                    condition, value, other value
    compare    == < <= > >=                         left, right
    in         -                                    value, list
    blank      -                                    value
    either     -                                    value, the value instead of a blank
    smallest largest -                              values
    join       -                                    texts
    + - * / %  -                                    left, right
    negate     -                                    number
    call       the function's name                  arguments
    aggregate  sum, any, count, ...                 rows, element, condition; `loop` names the row's root
    """

    kind: str
    type: ValueType
    args: tuple["Node", ...] = ()
    value: Any = None
    magnitude: int = 0
    column: int = 0
    loop: str = ""

    @property
    def is_constant(self) -> bool:
        return self.kind == "literal"

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.args)

    def size(self) -> int:
        return sum(1 for _ in self.walk())


@dataclass(frozen=True)
class NameSpan:
    """Where a field's name stands in the text (character offsets), and which field of which form it names."""

    start: int
    end: int
    form: str
    field: str
    name: str


@dataclass(frozen=True, eq=False)
class Expression:
    """A checked expression. `reads` are paths of ids, as ("record", "f_customer", "f_level").

    `loops` are the loops of a template around it: the root that stands for a row, and the rows.
    """

    text: str
    root: Node
    type: ValueType
    reads: frozenset[Read]
    spans: tuple[NameSpan, ...]
    loops: tuple[tuple[str, Node], ...] = ()

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@dataclass(frozen=True)
class Words:
    """Plain text of a template, put out as it is."""

    text: str


@dataclass(frozen=True)
class Slot:
    """A place in a template that shows the value of an expression."""

    expression: Expression


@dataclass(frozen=True)
class Each:
    """{% for row in rows %}: its body once for each row, the row under the root `loop`."""

    rows: Expression
    loop: str
    body: tuple["Piece", ...]


@dataclass(frozen=True)
class Choice:
    """{% if %} with its {% elif %} branches and the {% else %}, whose condition is None."""

    branches: tuple[tuple[Expression | None, tuple["Piece", ...]], ...]


Piece = Words | Slot | Each | Choice


@dataclass(frozen=True, eq=False)
class Template:
    """A checked template: text with slots, loops and choices; `expressions` are all that it evaluates."""

    text: str
    pieces: tuple[Piece, ...]
    expressions: tuple[Expression, ...]
    reads: frozenset[Read]
    spans: tuple[NameSpan, ...]

    def __repr__(self) -> str:
        return f"Template({self.text!r})"
