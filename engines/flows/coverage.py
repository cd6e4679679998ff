"""The branch checker: which values fall between the branches of a condition, and which fall into two of them.

Along every number, date, choice and yes/no that the branches compare with constants, the constants cut the values into
pieces (`branch_pieces.py`). On each piece every branch holds or does not hold, so trying one value of each is a proof
for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from engines.context import AppContext
from engines.expressions import Environment, evaluate
from engines.facts import Facts
from engines.flows.branch_pieces import Axis, axes_of
from engines.flows.branch_words import gap, never_taken, overlap
from engines.flows.compiled import CompiledNode
from metadata.expressions import Expression
from metadata.problems import Path, Problem
from metadata.text import say

MAXIMUM_PIECES = 2_000
MAXIMUM_WARNINGS = 5


def coverage(node: CompiledNode, form: str, context: AppContext) -> list[Problem]:
    """What a condition leaves open between its branches, what two of them claim, and which is never reached."""
    conditions = [each.condition for each in node.config if each.condition is not None]
    axes = axes_of(conditions, form, context)
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


def _holding(conditions: Sequence[Expression], values: Mapping[str, Any]) -> tuple[int, ...]:
    environment = Environment(record=values, facts=Facts())
    return tuple(i for i, condition in enumerate(conditions) if evaluate(condition, environment) is True)


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
                problem = gap(axes, number, line, first, last, path)
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


def _overlaps(axes: Sequence[Axis], held: Held, count: int, path: Path) -> Iterator[Problem]:
    """Branches that are never reached, and branches of which each claims a part of the other."""
    claims = [{place for place, holding in held.items() if index in holding} for index in range(count)]
    for later in range(1, count):
        before = set().union(*claims[:later])
        if claims[later] and claims[later] <= before:
            yield never_taken(later, path)
            continue
        for earlier in range(later):
            both = claims[earlier] & claims[later]
            if both and not claims[earlier] <= claims[later]:
                yield overlap(axes, both, earlier, later, path)
