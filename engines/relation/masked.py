"""The masked relation: a form's records as one actor may see them, with links, rows and lists to follow from there."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause

from engines.columns import column_type
from engines.compiled import CompiledField, CompiledForm
from engines.grants import Grant
from engines.masks import Mask, View
from engines.relation.directory import Directory, departments, members
from engines.relation.reading import CLOCK, Column, LookingBack, Reading

__all__ = ["CLOCK", "Column", "LookingBack", "Reading", "Relation"]


class Relation:
    """Records of one form as a FROM element, readable by the SQL compiler of expressions (its `Readable`).

    Columns are masked already; no other column can be named through a relation. Links are followed by one outer join
    for each path, to records masked in turn. Joins come into being as columns are asked for, so the FROM clause is
    taken last (`select` does).
    """

    def __init__(
        self,
        reading: Reading,
        view: View,
        source: FromClause,
        link: Column | None = None,
        absent: bool = False,
        deleted: bool = False,
    ) -> None:
        self.reading = reading
        self.view = view
        self.form = view.form
        self.source = source
        self._absent = absent or not view.grants
        self._deleted = deleted
        self._followed: dict[str, Relation | Directory] = {}
        self._scopes: dict[int, Column] = {}
        self._narrowed: list[Column] = []
        self._guard: Column | None = None
        self._on = self._joined_on(link) if link is not None and not self._absent else None

    # --- what a statement needs ---

    @property
    def fields(self) -> frozenset[str]:
        """The ids of the fields that exist for the actor."""
        return self.view.fields

    def where(self, condition: Column) -> "Relation":
        """Narrow down to the records that meet a condition over masked columns."""
        self._narrowed.append(condition)
        return self

    def select(self, columns: Mapping[str, Column]) -> sa.Select[Any]:
        """Select these columns of the records in scope."""
        condition = self.condition
        labelled = [column.label(label) for label, column in columns.items()]
        return sa.select(*labelled).select_from(self.from_clause).where(condition)

    @property
    def condition(self) -> Column:
        """Which rows of the FROM clause are records that the actor may see."""
        return sa.and_(sa.true(), *self._alive(), *self._in_scope(), *self._narrowed)

    @property
    def from_clause(self) -> FromClause:
        """The table, with the joins that were asked for so far."""
        clause = self.source
        for joined, on in self.joins():
            clause = clause.outerjoin(joined, on)
        return clause

    # --- what an expression may read (Readable) ---

    def column(self, field: str) -> Column:
        """The masked column of a field, or a system field."""
        described = self.form.fields.get(field)
        if described is None:
            return self._guarded(self.source.c[field], ())
        mask = self.view.masks.get(field)
        if mask is None or self._absent:
            return sa.cast(sa.null(), column_type(described.type))
        return self._guarded(self._raw(described), mask)

    def follow(self, field: str) -> "Relation | Directory":
        """The masked target of a link, or the person or department that a field names: one join for each path."""
        if field not in self._followed:
            self._followed[field] = self._target(field)
        return self._followed[field]

    def rows(self, field: str) -> "tuple[Relation, Column]":
        """The rows of a subform, with the condition that makes them this record's."""
        subform = self.form.fields[field].subform
        assert subform is not None
        rows = self._fresh(subform)
        relation = Relation(self.reading, self.view.of_rows(field), rows)
        return relation, self._belongs(rows.c.record, field)

    def values(self, field: str) -> tuple[FromClause, Column, Column]:
        """The side table of a list field, its value column, and the condition that makes the values this record's."""
        described = self.form.fields[field]
        if self.reading.back is not None:
            each = self.reading.back.past.values(described, self.source)
            return each.source, each.value, sa.and_(each.counts, self._belongs(self.source.c.id, field))
        assert described.side_table is not None
        side = described.side_table.alias()
        return side, side.c.value, self._belongs(side.c.record, field)

    def unmasked(self, field: str) -> tuple[Column, Column] | None:
        """A stored column without its mask, and the condition under which it shows; None where no mask is needed.

        For comparisons that a blank never meets: `shows and column = value` uses an index, the mask never does.
        """
        described = self.form.fields.get(field)
        mask = self.view.masks.get(field)
        if described is None or described.column is None or mask is None or self._absent:
            return None
        shows = self._shows(mask)
        return None if shows is None else (self.source.c[described.column], shows)

    def shows(self, field: str) -> Column | None:
        """Under which condition a field shows in a record; None where it always does."""
        mask = self.view.masks.get(field)
        return sa.false() if mask is None or self._absent else self._shows(mask)

    def matches(self, grant: Grant) -> Column:
        """Whether a record meets the scope of a grant; scopes look at the truth."""
        conditions: list[Column] = []
        if grant.records is not None:
            conditions.append(self.source.c.id.in_(sorted(grant.records)))
        if grant.scope is not None:
            conditions.append(self.reading.where(grant.scope, self._truth))
        if conditions and self._looks_back:
            conditions.append(self._today((grant,)))
        return sa.and_(sa.true(), *conditions)

    def joins(self) -> Iterator[tuple[FromClause, Column]]:
        """The joins in an order in which each knows what it refers to."""
        if not self.reading.is_truth:
            yield from self._truth.joins()
        for each in self._followed.values():
            if each.on is not None:
                yield each.source, each.on
                yield from each.joins()

    @property
    def on(self) -> Column | None:
        return self._on

    # --- below ---

    @cached_property
    def _truth(self) -> "Relation":
        if self.reading.is_truth:
            return self
        return Relation(self.reading.as_truth, self.reading.truth(self.form.id), self.source)

    def _alive(self) -> list[Column]:
        if self._looks_back and self.reading.back is not None:
            return [self._today(self.reading.back.allowed(self.form.id))]
        if "deleted_at" not in self.source.c:
            return []
        deleted_at = self.source.c.deleted_at
        return [deleted_at.is_not(None) if self._deleted else deleted_at.is_(None)]

    @property
    def _looks_back(self) -> bool:
        """Whether somebody looks at the past of records: then he sees in it no more than he may see today."""
        return self.reading.back is not None and not self.reading.is_truth and self.form.parent is None

    def _today(self, grants: tuple[Grant, ...]) -> Column:
        """Whether the record is still there and meets the scope of one of the grants as it is today."""
        assert self.reading.back is not None
        reading = self.reading.back.today
        today = Relation(reading, reading.truth(self.form.id), self.form.table.alias())
        today.where(today.source.c.id == self.source.c.id)
        if not any(each.is_everywhere for each in grants):
            today.where(sa.or_(sa.false(), *[today.matches(each) for each in grants]))
        return today.select({"id": today.source.c.id}).correlate(self.source).exists()

    def _fresh(self, form: CompiledForm) -> FromClause:
        """The records of a form to join, under a name of their own."""
        return form.table.alias() if self.reading.back is None else self.reading.table(form)

    def _in_scope(self) -> list[Column]:
        if not self.view.grants:
            return [sa.false()]
        if any(each.is_everywhere for each in self.view.grants):
            return []
        return [sa.or_(*[self._scope(index) for index in range(len(self.view.grants))])]

    def _scope(self, index: int) -> Column:
        if index not in self._scopes:
            self._scopes[index] = self.matches(self.view.grants[index])
        return self._scopes[index]

    def _shows(self, mask: Mask) -> Column | None:
        conditions = [sa.or_(*[self._scope(index) for index in sorted(group)]) for group in mask]
        if self._guard is not None:
            conditions.append(self._guard)
        return sa.and_(*conditions) if conditions else None

    def _guarded(self, column: Column, mask: Mask) -> Column:
        if self._absent:
            return sa.cast(sa.null(), column.type)
        shows = self._shows(mask)
        return column if shows is None else sa.case((shows, column), else_=None)

    def _raw(self, field: CompiledField) -> Column:
        if field.column is not None:
            raw: Column = self.source.c[field.column]
            return raw
        assert field.expression is not None, f"{field.id} has neither a column nor an expression"
        decimals = field.type.decimals if field.type.name == "number" else None
        computed = self.reading.value(field.expression, self, decimals)
        return sa.type_coerce(computed, column_type(field.type))

    def _belongs(self, record: Column, field: str) -> Column:
        mask = self.view.masks.get(field)
        if mask is None or self._absent:
            return sa.false()
        shows = self._shows(mask)
        same = record == self.source.c.id
        return same if shows is None else sa.and_(same, shows)

    def _target(self, field: str) -> "Relation | Directory":
        kind = self._type_name(field)
        link = self.column(field)
        if kind == "member":
            return members(link, self.reading.moment, self.reading.notes, self._absent)
        if kind == "department":
            return departments(link, self.reading.moment, self.reading.notes, self._absent)
        target = self.form.fields[field].target
        assert target is not None, f"{field} leads nowhere"
        view = self.reading.see(target)
        hidden = self._absent or field not in self.view.masks
        return Relation(self.reading, view, self._fresh(view.form), link, absent=hidden)

    def _type_name(self, field: str) -> str:
        if field in self.form.fields:
            return self.form.fields[field].type.name
        return "department" if field == "department" else "member"

    def _joined_on(self, link: Column) -> Column:
        """Join to what the actor may see; a scope that looks through links of its own guards the columns instead."""
        scope = self._in_scope()
        conditions = [self.source.c.id == link, *self._alive()]
        if scope and any(True for _ in self._truth.joins()):
            self._guard = sa.and_(*scope)
            return sa.and_(*conditions)
        return sa.and_(*conditions, *scope)
