"""What branches compare with constants, cut by the constants into points and the open stretches between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engines.context import AppContext
from metadata.expressions import Expression, Node
from metadata.text import Text


@dataclass(frozen=True)
class Piece:
    """A point (`low` is `high`), or the open stretch between two constants; `sample` stands for all its values."""

    sample: Any
    low: Any = None
    high: Any = None

    @property
    def is_point(self) -> bool:
        return self.low is not None and self.low == self.high


@dataclass(frozen=True)
class Axis:
    """A field that branches compare with constants, cut into pieces; `ordered` where its values have an order."""

    field: str
    title: Text
    pieces: tuple[Piece, ...]
    ordered: bool


def axes_of(conditions: Sequence[Expression], form: str, context: AppContext) -> list[Axis] | None:
    """One axis for each field that is read; None where a branch reads anything that cannot be cut into pieces."""
    constants: dict[str, set[Any]] = {}
    for condition in conditions:
        if not _collect(condition.root, constants):
            return None
    compiled = context.forms[form].fields
    axes = [_axis(compiled[field], found) for field, found in constants.items() if field in compiled]
    known = [axis for axis in axes if axis is not None]
    return known if len(known) == len(constants) else None


def _collect(node: Node, constants: dict[str, set[Any]]) -> bool:
    """Note the constants that fields are compared with; False for anything else."""
    if node.kind in ("and", "or", "not"):
        return all(_collect(each, constants) for each in node.args)
    if node.kind == "literal":
        return True
    if (field := _own_field(node)) is not None:
        constants.setdefault(field, set())
        return True
    if node.kind == "blank":
        return _collect(node.args[0], constants) if _own_field(node.args[0]) else False
    if node.kind == "compare":
        left, right = node.args
        return _compared(left, [right], constants) or _compared(right, [left], constants)
    if node.kind == "in":
        return _compared(node.args[0], node.args[1].args, constants)
    return False


def _compared(side: Node, others: Sequence[Node], constants: dict[str, set[Any]]) -> bool:
    field = _own_field(side)
    values = [_constant(each) for each in others]
    if field is None or any(each is _UNKNOWN for each in values):
        return False
    constants.setdefault(field, set()).update(each for each in values if each is not None)
    return True


def _own_field(node: Node) -> str | None:
    """The field of the record itself that the node reads."""
    if node.kind == "field" and node.args and node.args[0].kind == "root" and node.args[0].value == "record":
        return str(node.value)
    return None


_UNKNOWN = object()


def _constant(node: Node) -> Any:
    if node.kind == "literal":
        return node.value
    if node.kind == "negate" and node.args[0].kind == "literal":
        return -node.args[0].value
    return _UNKNOWN


def _axis(field: Any, constants: set[Any]) -> Axis | None:
    match field.type.name:
        case "number":
            step = Decimal(1).scaleb(-(field.type.decimals or 0))
            return Axis(field.id, field.title or field.name, _cut(sorted(constants), step), True)
        case "date":
            if all(type(each) is date for each in constants):
                return Axis(field.id, field.title or field.name, _cut(sorted(constants), timedelta(days=1)), True)
        case "yes_no":
            return Axis(field.id, field.title or field.name, (Piece(True), Piece(False)), False)
        case "text":
            if options := _options(field):
                return Axis(field.id, field.title or field.name, tuple(Piece(each) for each in options), False)
    return None


def _cut(constants: Sequence[Any], step: Any) -> tuple[Piece, ...]:
    """Points and stretches from left to right; a stretch in which no value of the field lies is left out."""
    if not constants:
        return ()
    pieces = [Piece(constants[0] - step, None, constants[0])]
    for index, constant in enumerate(constants):
        pieces.append(Piece(constant, constant, constant))
        following = constants[index + 1] if index + 1 < len(constants) else None
        if following is None or constant + step < following:
            pieces.append(Piece(constant + step, constant, following))
    return tuple(pieces)


def _options(field: Any) -> list[str]:
    return [str(each.value) for each in getattr(field.options, "options", None) or ()]
