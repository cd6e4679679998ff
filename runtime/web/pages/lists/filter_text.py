"""From the text of a filter back to the rows of the builder: what cannot be a row stays text, and nothing is lost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from engines.expressions.arithmetic import plain
from metadata.expressions import Expression, Node
from metadata.expressions.syntax import parse
from metadata.problems import Refusal
from runtime.web.pages.lists.filters import ME, MINE, MOST_ROWS, OPERATORS, Builder, Condition, read_conditions, sort_of

Check = Callable[[str], Expression]


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed by: rows, how they are joined, and a text that holds besides."""

    conditions: tuple[Condition, ...] = ()
    match: str = "all"
    text: str = ""

    def expression(self, builder: Builder) -> str:
        """The whole as one expression."""
        rows = builder.expression(self.conditions, self.match)
        return f"({self.text}) and ({rows})" if self.text and rows else self.text or rows


def read_filter(query: QueryParams, builder: Builder, check: Check) -> Filter:
    """The filter of an address: the rows that were posted, or the rows that its text amounts to."""
    conditions, text = tuple(read_conditions(query)), query.get("filter", "").strip()
    match = "any" if query.get("match") == "any" else "all"
    if conditions or not text:
        return Filter(conditions, match, text)
    return rows_of(text, builder, check)


def rows_of(text: str, builder: Builder, check: Check) -> Filter:
    """The text as rows, as far as it goes."""
    reader = _Reader(builder, check)
    if row := reader.row(text, 1):
        return Filter((row,))
    if rows := reader.rows(parts_of(text, "or")):
        return Filter(rows, "any")
    return _some_rows(text, reader) or Filter(text=text)


def _some_rows(text: str, reader: "_Reader") -> Filter | None:
    """Of parts that must all hold, those that can be rows; if there are none, one part whose own parts can."""
    parts = parts_of(text, "and")
    found = [(part, reader.row(part, place)) for place, part in enumerate(parts, 1)]
    rows = tuple(row for _, row in found if row is not None)
    rest = [part for part, row in found if row is None]
    if rows:
        return Filter(rows[:MOST_ROWS], "all", _joined(rest)) if len(rows) <= MOST_ROWS else None
    for part in parts:
        if any_rows := reader.rows(parts_of(part, "or")):
            return Filter(any_rows, "any", _joined([each for each in parts if each is not part]))
    return None


def _joined(parts: list[str]) -> str:
    return " and ".join(f"({each})" for each in parts) if len(parts) > 1 else "".join(parts)


def parts_of(text: str, word: str) -> list[str]:
    """What `and` or `or` joins at the top of an expression, as it is written; nothing where it joins nothing."""
    try:
        syntax = parse(text)
    except Refusal:
        return []
    kind = {"and": "And", "or": "Or"}[word]
    body: Any = syntax.body
    if type(body).__name__ != "BoolOp" or type(body.op).__name__ != kind:
        return []
    return [syntax.text[syntax.column(each) : syntax.end(each)] for each in body.values]


@dataclass(frozen=True)
class _Reader:
    """Tries which row says the same: a row fits if its own sentence is the same checked tree."""

    builder: Builder
    check: Check

    def rows(self, parts: list[str]) -> tuple[Condition, ...]:
        """All parts as rows; none if one of them is no row."""
        if not 1 < len(parts) <= MOST_ROWS:
            return ()
        found = [self.row(part, place) for place, part in enumerate(parts, 1)]
        return tuple(each for each in found if each is not None) if all(found) else ()

    def row(self, text: str, place: int) -> Condition | None:
        wanted = self._tree(text)
        if wanted is None:
            return None
        shape = _shape(wanted)
        return next((each for each in self._candidates(wanted, place) if self._says(each, shape)), None)

    def _says(self, condition: Condition, shape: Any) -> bool:
        sentence = self.builder.sentence(condition)
        tree = self._tree(sentence) if sentence else None
        return tree is not None and _shape(tree) == shape

    def _candidates(self, tree: Node, place: int) -> Iterator[Condition]:
        names = {field.id: name for name, field in self.builder.fields.items()}
        read = (node.value for node in _in_order(tree) if node.kind == "field" and node.args[0].value == "record")
        name = next((names[id] for id in read if id in names), None)
        if name is None:
            return
        field = self.builder.fields[name]
        values = tuple(self._values(tree, self.builder.is_percent(field)))
        row = Condition(f"r{place}", name, "", values)
        for operator in OPERATORS[sort_of(field)]:
            if operator == "between":
                yield replace(row, operator=operator, values=values[:1], to="".join(values[1:2]))
            else:
                yield replace(row, operator=operator)

    def _values(self, tree: Node, percent: bool) -> Iterator[str]:
        """The constants as somebody would type or choose them."""
        for node in _in_order(tree):
            if node.kind in ("identity", "field") and node.args[0].kind == "root" and node.args[0].value == "user":
                yield MINE if node.value == "departments" else ME
            elif node.kind == "literal" and node.value not in (None, "") and not isinstance(node.value, bool):
                value = node.value * 100 if percent and isinstance(node.value, Decimal) else node.value
                yield plain(value) if isinstance(value, Decimal) else str(value)

    def _tree(self, text: str) -> Node | None:
        try:
            return self.check(text).root
        except Refusal:
            return None


def _in_order(node: Node) -> Iterator[Node]:
    yield node
    for each in node.args:
        yield from _in_order(each)


def _shape(node: Node) -> Any:
    """What a tree says, wherever its parts stand in the text; one of a list is the same as equal to it."""
    if node.kind == "in" and node.args[1].kind == "list" and len(node.args[1].args) == 1:
        node = replace(node, kind="compare", value="==", args=(node.args[0], node.args[1].args[0]))
    return (node.kind, node.type.name, node.value, node.loop, tuple(_shape(each) for each in node.args))
