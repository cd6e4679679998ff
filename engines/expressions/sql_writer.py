"""What both databases share: how conditions, choices, rows and lists of a checked tree become SQL.

Conditions are two-valued. In a positive filter position NULL may stand for false, so that comparisons stay plain and
an index can serve them; everywhere else they are made total.
"""

from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Select,
    Text,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from engines.columns import UtcDateTime
from engines.expressions.environment import Moment
from engines.expressions.evaluate import function_kind
from engines.expressions.not_pushable import NotPushable
from engines.expressions.readable import Readable
from engines.expressions.sql_comparisons import among_constants, compare, compared
from engines.expressions.sql_places import Column, Condition, Places, inner
from metadata.expressions import Node
from metadata.expressions.aggregates import ALWAYS
from metadata.expressions.building import negation
from metadata.value_types import YES_NO


class SqlWriter:
    """Writes one expression over one relation. A writer for each database says how it does numbers and literals."""

    dialect: ClassVar[str]

    def __init__(self, relation: Readable, moment: Moment) -> None:
        self.moment = moment
        self.places = Places(relation)

    # --- what each database says in its own way ---

    def stored_number(self, node: Node, decimals: int | None) -> Column:
        raise NotImplementedError

    def literal(self, node: Node) -> Column:
        raise NotImplementedError

    def number(self, node: Node) -> Column:
        raise NotImplementedError

    def compare_numbers(self, operator: str, left: Node, right: Node, positive: bool) -> Condition:
        raise NotImplementedError

    def number_among(self, value: Node, items: tuple[Node, ...], positive: bool) -> Condition:
        raise NotImplementedError

    def among(self, value: Column, values: list[Any], type_name: str) -> Condition:
        raise NotImplementedError

    def same_truth(self, left: Node, right: Node) -> Condition:
        raise NotImplementedError

    def extreme(self, node: Node) -> Column:
        raise NotImplementedError

    def total(self, kind: str, element: Node, selected: Select[Any], source: Readable) -> Column:
        raise NotImplementedError

    def ordered(self, text: Column) -> Column:
        """A text in the order of code points."""
        return text

    def plain_comparison(self, operator: str, left: Node, column: Column, right: Node) -> Condition:
        """A stored column against a constant, as an index wants it."""
        if operator != "==" and left.type.name == "text":
            column = self.ordered(column)
        return compared(operator, column, self.literal(right))

    # --- conditions ---

    def condition(self, node: Node, positive: bool = False) -> Condition:
        write = getattr(self, f"condition_{node.kind}", None)
        if write is None:
            return self.two_valued(self.value(node), positive)
        written: Condition = write(node, positive)
        return written

    def two_valued(self, condition: Column, positive: bool) -> Condition:
        return condition if positive else func.coalesce(condition, false())

    def condition_literal(self, node: Node, positive: bool) -> Condition:
        return true() if node.value else false()

    def condition_and(self, node: Node, positive: bool) -> Condition:
        return and_(*(self.condition(arg, positive) for arg in node.args))

    def condition_or(self, node: Node, positive: bool) -> Condition:
        return or_(*(self.condition(arg, positive) for arg in node.args))

    def condition_not(self, node: Node, positive: bool) -> Condition:
        """Push the not inward, where the parts can stay plain."""
        inner = node.args[0]
        if inner.kind == "not":
            return self.condition(inner.args[0], positive)
        if inner.kind == "and":
            return or_(*(self.condition(negation(arg), positive) for arg in inner.args))
        if inner.kind == "or":
            return and_(*(self.condition(negation(arg), positive) for arg in inner.args))
        return not_(self.condition(inner))

    def condition_field(self, node: Node, positive: bool) -> Condition:
        if positive and (shown := self.places.unmasked(node)) is not None:
            return and_(shown[1], shown[0])
        return self.two_valued(self.places.column(node), positive)

    def condition_if(self, node: Node, positive: bool) -> Condition:
        branches, otherwise = _branches(node)
        written = [(self.condition(test, True), self.condition(value)) for test, value in branches]
        return case(*written, else_=self.condition(otherwise))

    def condition_either(self, node: Node, positive: bool) -> Condition:
        return self.condition(node.args[0], positive)

    def condition_call(self, node: Node, positive: bool) -> Condition:
        return self.two_valued(self.value_call(node), positive)

    def condition_aggregate(self, node: Node, positive: bool) -> Condition:
        return self.value_aggregate(node)

    def condition_blank(self, node: Node, positive: bool) -> Condition:
        value = node.args[0]
        if value.type.name == "rows":
            return not_(exists(self._any_rows(value)))
        if value.type.name == "list":
            side, _, belongs = self.places.side_table(value)
            return not_(exists(inner(select(literal(1)), side).where(belongs)))
        if value.kind == "field":
            return self.places.column(value).is_(null())
        return self.value(value) == "" if value.type.name == "text" else self.value(value).is_(null())

    def _any_rows(self, rows: Node) -> Select[Any]:
        selected, source = self.rows(rows, ALWAYS, "")
        return inner(selected, source.from_clause)

    def condition_compare(self, node: Node, positive: bool) -> Condition:
        return compare(self, node, positive)

    def condition_in(self, node: Node, positive: bool) -> Condition:
        value, container = node.args
        if container.kind == "list":
            return among_constants(self, value, container.args, positive)
        if container.is_constant:
            found = self.among(self.value(value), list(container.value or ()), value.type.name)
            return self.two_valued(found, positive)
        side, column, belongs = self.places.side_table(container)
        same = column == (self.literal(value) if value.is_constant else self.value(value))
        return exists(inner(select(literal(1)), side).where(belongs, same))

    # --- values ---

    def stored(self, node: Node, decimals: int | None) -> Column:
        """The value as a column of its type has it: blank texts are NULL, numbers in the database's own form."""
        name = node.type.name
        if name == "yes_no":
            return type_coerce(self.condition(node), Boolean())
        if name == "number":
            return self.stored_number(node, decimals)
        if name == "text":
            return self._stored_text(node)
        if name in ("list", "rows"):
            raise NotPushable({"en": "A list is no column", "zh": "列表不能作为列"})
        types: dict[str, Any] = {"date": Date(), "datetime": UtcDateTime()}
        return type_coerce(self.value(node), types.get(name, BigInteger()))

    def _stored_text(self, node: Node) -> Column:
        return self.places.column(node) if node.kind == "field" else func.nullif(self.value(node), literal("", Text()))

    def value(self, node: Node) -> Column:
        if node.type.name == "yes_no":
            return self.condition(node)
        write = getattr(self, f"value_{node.kind}", None)
        if write is None:
            return self.number(node)
        written: Column = write(node)
        return written

    def value_literal(self, node: Node) -> Column:
        return self.literal(node)

    def value_field(self, node: Node) -> Column:
        column = self.places.column(node)
        return func.coalesce(column, literal("", Text())) if node.type.name == "text" else column

    def value_identity(self, node: Node) -> Column:
        return self.places.source(node.args[0]).column("id")

    def value_if(self, node: Node) -> Column:
        branches, otherwise = _branches(node)
        written = [(self.condition(test, True), self.value(value)) for test, value in branches]
        return case(*written, else_=self.value(otherwise))

    def value_either(self, node: Node) -> Column:
        value, instead = map(self.value, node.args)
        first = func.nullif(value, literal("", Text())) if node.type.name == "text" else value
        return func.coalesce(first, instead)

    def value_join(self, node: Node) -> Column:
        first, *rest = (type_coerce(self.value(arg), Text()) for arg in node.args)
        joined: Column = first
        for each in rest:
            joined = joined.concat(each)
        return joined

    def value_smallest(self, node: Node) -> Column:
        return self.extreme(node)

    def value_largest(self, node: Node) -> Column:
        return self.extreme(node)

    def value_length(self, node: Node) -> Column:
        side, _, belongs = self.places.side_table(node.args[0])
        return inner(select(func.count()), side).where(belongs).scalar_subquery()

    def value_call(self, node: Node) -> Column:
        function = function_kind(node.value)
        args: list[Any] = []
        for parameter, arg in zip(function.parameters, node.args, strict=True):
            args.append(_constant(arg.value) if parameter.constant else self.value(arg))
        for want in function.wants:
            if want != "zone":
                raise NotPushable({"en": f"{node.value}() runs on the server", "zh": f"{node.value}() 只能逐行计算"})
            args.append(literal(self.moment.zone.key, Text()))
        write = function.sqlite if self.dialect == "sqlite" else function.postgresql
        return write(*args)

    # --- rows ---

    def rows(self, rows: Node, condition: Node, loop: str) -> tuple[Select[Any], Readable]:
        """The rows of a subform that meet a condition, as a select without columns yet."""
        source, belongs = self.places.rows(rows, loop)
        selected = select(literal(1)).where(belongs)
        if condition != ALWAYS:
            selected = selected.where(self.condition(condition, True))
        return selected, source

    def value_aggregate(self, node: Node) -> Column:
        rows, element, condition = node.args
        selected, source = self.rows(rows, condition, node.loop)
        kind = node.value
        if kind == "any":
            return exists(inner(selected.where(self.condition(element, True)), source.from_clause))
        if kind == "all":
            return not_(exists(inner(selected.where(not_(self.condition(element))), source.from_clause)))
        if kind == "count":
            return self.count(selected, source, element)
        if element.type.name == "number":
            return self.total(kind, element, selected, source)
        column = self.derived(selected, source, self.value(element))
        return select(getattr(func, kind)(column)).scalar_subquery()

    def count(self, selected: Select[Any], source: Readable, element: Node) -> Column:
        if element != ALWAYS and element.type.name != "yes_no":
            selected = selected.where(not_(self.condition_blank(Node("blank", YES_NO, (element,)), False)))
        return inner(selected, source.from_clause).with_only_columns(func.count()).scalar_subquery()

    def derived(self, selected: Select[Any], source: Readable, element: Column) -> Column:
        """The element as a column of a table of its own: an aggregate over outer columns would else move outward."""
        table = inner(selected, source.from_clause).with_only_columns(element.label("x")).subquery()
        return table.c.x


def _branches(node: Node) -> tuple[list[tuple[Node, Node]], Node]:
    """An if with the ifs in its else as branches side by side: one CASE, however long the chain."""
    branches = []
    while node.kind == "if":
        test, value, node = node.args
        branches.append((test, value))
    return branches, node


def _constant(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)
