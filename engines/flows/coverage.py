"""The branch checker: which values fall between the branches of a condition, and which fall into two of them.

Along every number, date, choice and yes/no that the branches compare with constants, the constants cut the values into
points and the open stretches between them. On each such piece every branch holds or does not hold, so trying one value
of each is a proof for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from engines.context import AppContext
from engines.expressions import Environment, evaluate
from engines.facts import Facts
from engines.flows.compiled import CompiledNode
from metadata.expressions import Expression, Node
from metadata.problems import Path, Problem
from metadata.text import Text, say

MAXIMUM_PIECES = 2_000
MAXIMUM_WARNINGS = 5


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


def coverage(node: CompiledNode, form: str, context: AppContext) -> list[Problem]:
    """What a condition leaves open between its branches, what two of them claim, and which is never reached."""
    conditions = [each.condition for each in node.config if each.condition is not None]
    axes = _axes(conditions, form, context)
    if not axes or not conditions:
        return []
    size = 1
    for axis in axes:
        size *= len(axis.pieces)
    if size > MAXIMUM_PIECES:
        return []
    held = {
        place: _holding(conditions, {axis.field: axis.pieces[i].sample for axis, i in zip(axes, place, strict=True)})
        for place in product(*(range(len(axis.pieces)) for axis in axes))
    }
    path = node.path / "branches"
    found = [*_gaps(axes, held, node, path), *_overlaps(axes, held, len(conditions), path)]
    return found[:MAXIMUM_WARNINGS]


# --- the pieces ---


def _axes(conditions: Sequence[Expression], form: str, context: AppContext) -> list[Axis] | None:
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


def _holding(conditions: Sequence[Expression], values: Mapping[str, Any]) -> tuple[int, ...]:
    environment = Environment(record=values, facts=Facts())
    return tuple(i for i, condition in enumerate(conditions) if evaluate(condition, environment) is True)


# --- what is said about them ---

Held = Mapping[tuple[int, ...], tuple[int, ...]]


def _gaps(axes: Sequence[Axis], held: Held, node: CompiledNode, path: Path) -> Iterator[Problem]:
    """Holes between branches; and, where the else does nothing, also what lies beyond them."""
    else_is_empty = bool(node.blocks) and not node.blocks[-1].nodes
    several = len(node.config) > 2
    said: set[tuple[str, ...]] = set()
    for number, axis in enumerate(axes):
        for line in _lines(axes, number):
            for first, last in _runs([held[place] == () for place in line]):
                inside = axis.ordered and first > 0 and last < len(line) - 1
                if not (inside or (several and else_is_empty and last - first + 1 < len(line))):
                    continue
                problem = _gap(axes, number, line, first, last, path)
                key = (say(problem.message, "en"),)
                if key not in said:
                    said.add(key)
                    yield problem


def _lines(axes: Sequence[Axis], number: int) -> Iterator[list[tuple[int, ...]]]:
    """The places along one axis, for every choice of the other values."""
    others = [range(len(axis.pieces)) if i != number else range(1) for i, axis in enumerate(axes)]
    for start in product(*others):
        yield [(*start[:number], step, *start[number + 1 :]) for step in range(len(axes[number].pieces))]


def _runs(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last index of every unbroken run of True."""
    start = None
    for index, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = index
        elif not flag and start is not None:
            yield start, index - 1
            start = None


def _gap(
    axes: Sequence[Axis], number: int, line: Sequence[tuple[int, ...]], first: int, last: int, path: Path
) -> Problem:
    words = {
        language: _stretch(axes[number], first, last, language) + _context(axes, number, line[first], language)
        for language in ("en", "zh")
    }
    message = {
        "en": f"No branch holds for {words['en']}; such a record goes to the else",
        "zh": f"{words['zh']}时没有分支成立，记录将走 else 分支",
    }
    return Problem(path, "branch_gap", message, _GAP_HINT)


def _overlaps(axes: Sequence[Axis], held: Held, count: int, path: Path) -> Iterator[Problem]:
    """Branches that are never reached, and branches of which each claims a part of the other."""
    claims = [{place for place, holding in held.items() if index in holding} for index in range(count)]
    for later in range(1, count):
        before = set().union(*claims[:later])
        if claims[later] and claims[later] <= before:
            message = {
                "en": f"Branch {later + 1} is never taken: the branches before it hold wherever it holds",
                "zh": f"第 {later + 1} 个分支永远不会进入：它成立时前面的分支都已成立",
            }
            yield Problem(path / later / "if", "branch_never_taken", message, _NEVER_HINT)
            continue
        for earlier in range(later):
            both = claims[earlier] & claims[later]
            if both and not claims[earlier] <= claims[later]:
                yield _overlap(axes, both, earlier, later, path)


def _overlap(axes: Sequence[Axis], both: set[tuple[int, ...]], earlier: int, later: int, path: Path) -> Problem:
    words = {}
    for language in ("en", "zh"):
        parts = [
            _stretch(axis, min(p[i] for p in both), max(p[i] for p in both), language)
            for i, axis in enumerate(axes)
            if len({place[i] for place in both}) < len(axis.pieces)
        ]
        words[language] = (" and " if language == "en" else "且").join(parts) or ("all" if language == "en" else "全部")
    message = {
        "en": f"Branches {earlier + 1} and {later + 1} both hold for {words['en']}; branch {earlier + 1} is taken",
        "zh": f"{words['zh']}时第 {earlier + 1} 和第 {later + 1} 个分支同时成立，将进入第 {earlier + 1} 个分支",
    }
    return Problem(path / later / "if", "branch_overlap", message, _OVERLAP_HINT)


def _context(axes: Sequence[Axis], number: int, place: tuple[int, ...], language: str) -> str:
    """The values of the other fields at this place."""
    others = [
        _stretch(axis, place[index], place[index], language) for index, axis in enumerate(axes) if index != number
    ]
    if not others:
        return ""
    return f", with {' and '.join(others)}" if language == "en" else f"({'且'.join(others)})"


def _stretch(axis: Axis, first: int, last: int, language: str) -> str:
    """The pieces from first to last in words: "“amount” exactly 50,000"."""
    name, chinese = say(axis.title, language), language == "zh"
    if not axis.ordered:
        values = ("、" if chinese else ", ").join(
            _word(axis.pieces[i].sample, language) for i in range(first, last + 1)
        )
        return f"“{name}”为 {values}" if chinese else f"“{name}” {values}"
    begin, end = axis.pieces[first], axis.pieces[last]
    if first == last and begin.is_point:
        value = _word(begin.low, language)
        return f"“{name}”正好等于 {value}" if chinese else f"“{name}” exactly {value}"
    parts = []
    if begin.low is not None:
        word = ("从" if chinese else "from") if begin.is_point else ("大于" if chinese else "above")
        parts.append(f"{word} {_word(begin.low, language)}")
    if end.high is not None:
        word = ("到" if chinese else "up to") if end.is_point else ("小于" if chinese else "below")
        parts.append(f"{word} {_word(end.high, language)}")
    return f"“{name}”{'且'.join(parts)}" if chinese else f"“{name}” {' and '.join(parts)}"


def _word(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return {"en": "yes" if value else "no", "zh": "是" if value else "否"}[language]
    return f"{value:,}" if isinstance(value, Decimal | int) else str(value)


_GAP_HINT: Text = {
    "en": "Close the gap (<= instead of <, say), or leave it if the else is meant",
    "zh": "请补上缺口（例如用 <= 代替 <）；如果本来就要走 else，可忽略",
}
_OVERLAP_HINT: Text = {
    "en": "Narrow one of the conditions, or leave it if the order is meant",
    "zh": "请收窄其中一个条件；如果顺序是有意的，可忽略",
}
_NEVER_HINT: Text = {
    "en": "Move the narrower branch to the front, or remove it",
    "zh": "请把范围更窄的分支移到前面，或删除它",
}
