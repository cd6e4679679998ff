"""Which linked records an expression will read, so that they can be fetched before it runs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engines.expressions.environment import user_values
from engines.facts import Facts, RecordKey
from metadata.expressions import Expression, Node

STANDING = ("record", "old", "row", "user")  # roots that are there from the beginning


def missing_records(
    expressions: Iterable[Expression],
    record: Mapping[str, Any],
    facts: Facts,
    truth: bool = True,
    *,
    old: Mapping[str, Any] | None = None,
    row: Mapping[str, Any] | None = None,
    extras: Mapping[str, Any] | None = None,
) -> frozenset[RecordKey]:
    """The (form, id) keys that the expressions follow from this record and that the facts do not hold yet.

    A path of several links is met one link a round, since the next begins in a record that is not there yet.
    """
    following = [each for each in expressions if _may_follow(each)]
    if not following:
        return frozenset()
    search = _Search(facts, facts.records if truth else facts.masked, extras or {})
    roots: dict[str, list[Any]] = {
        "record": [record],
        "old": [old] if old else [],
        "row": [row] if row else [],
        "user": [user_values(facts)],
    }
    for expression in following:
        search.look(expression.root, search.within(expression, roots))
    return frozenset(search.missing)


def _may_follow(expression: Expression) -> bool:
    """Whether an expression can lead from the record to another; most read what stands in it, and no further."""
    return bool(expression.loops) or any(len(read) > 2 or read[0] not in STANDING for read in expression.reads)


class _Search:
    def __init__(self, facts: Facts, known: Mapping[RecordKey, Any], extras: Mapping[str, Any]) -> None:
        self.facts = facts
        self.known = known
        self.extras = extras
        self.missing: set[RecordKey] = set()

    def within(self, expression: Expression, roots: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
        """The roots with the rows of the loops around an expression of a template."""
        for name, rows in expression.loops:
            roots = {**roots, name: [row for found in self.values(rows, roots) for row in found or ()]}
        return roots

    def look(self, node: Node, roots: Mapping[str, list[Any]]) -> None:
        if node.kind == "aggregate":
            self._look_into_rows(node, roots)
            return
        if node.kind == "field":
            list(self.values(node, roots))
            return
        for arg in node.args:
            self.look(arg, roots)

    def _look_into_rows(self, node: Node, roots: Mapping[str, list[Any]]) -> None:
        rows, element, condition = node.args
        found = [row for rows in self.values(rows, roots) for row in rows or ()]
        inner = {**roots, node.loop: found}
        self.look(element, inner)
        self.look(condition, inner)

    def values(self, node: Node, roots: Mapping[str, list[Any]]) -> Iterator[Any]:
        """Every value that a path may have; loops make several of one."""
        if node.kind == "extra":
            yield self.extras.get(node.value)
            return
        if node.kind == "identity":
            yield from (values.get("id") for values in self.bases(node.args[0], roots))
            return
        for values in self.bases(node.args[0], roots):
            yield values.get(node.value)

    def bases(self, node: Node, roots: Mapping[str, list[Any]]) -> Iterator[Mapping[str, Any]]:
        """The records that a field is read of; a missing one is noted."""
        if node.kind == "root":
            yield from roots.get(node.value, [])
            return
        for value in self.values(node, roots):
            if value is None:
                continue
            if node.type.name == "member":
                person = self.facts.organisation.people.get(value)
                if person is not None:
                    yield {"department": person.department, "manager": person.manager}
            elif node.type.name == "department":
                department = self.facts.organisation.departments.get(value)
                if department is not None:
                    yield {"head": department.head, "parent": department.parent}
            else:
                yield from self._record((node.type.form or "", value))

    def _record(self, key: RecordKey) -> Iterator[Mapping[str, Any]]:
        if key not in self.known:
            self.missing.add(key)
        elif self.known[key] is not None:
            yield self.known[key]
