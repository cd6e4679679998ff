"""People and departments as FROM elements: what expressions may read of a member or a department in SQL."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from engines.columns import Id, UtcDateTime
from engines.expressions import Moment

Column = ColumnElement[Any]


_member = sa.table("ff_member", sa.column("id", Id), sa.column("name", sa.Text), sa.column("email", sa.Text))
_department = sa.table("ff_department", sa.column("id", Id), sa.column("name", sa.Text))


def _dated(name: str, of: str, value: str) -> sa.TableClause:
    period = sa.column("valid_from", UtcDateTime), sa.column("valid_to", UtcDateTime)
    return sa.table(name, sa.column(of, Id), sa.column(value, Id), *period)


_dated_columns = {
    ("ff_member", "department"): (_dated("ff_membership", "member", "department"), "member", "department"),
    ("ff_member", "manager"): (_dated("ff_manager", "member", "manager"), "member", "manager"),
    ("ff_department", "head"): (_dated("ff_department_head", "department", "member"), "department", "member"),
    ("ff_department", "parent"): (_dated("ff_department_parent", "department", "parent"), "department", "parent"),
}


class Directory:
    """The member or department that a field names; readable to everybody, as the directory is the platform's."""

    def __init__(
        self, table: sa.TableClause, link: Column, moment: Moment, notes: set[str], absent: bool = False
    ) -> None:
        self.source: FromClause = table.alias()
        self._name = table.name
        self._moment = moment
        self._notes = notes
        self._absent = absent
        self.on = None if absent else self.source.c.id == link
        self._followed: dict[str, Directory] = {}

    def column(self, field: str) -> Column:
        """A plain column, or what holds at the moment for a dated one."""
        dated = _dated_columns.get((self._name, field))
        if self._absent:
            return sa.cast(sa.null(), Id if dated is not None or field == "id" else sa.Text())
        return self._dated(*dated) if dated is not None else self.source.c[field]

    def follow(self, field: str) -> "Directory":
        if field not in self._followed:
            make = departments if field in ("department", "parent") else members
            self._followed[field] = make(self.column(field), self._moment, self._notes, self._absent)
        return self._followed[field]

    def rows(self, field: str) -> Any:
        raise KeyError(field)

    def values(self, field: str) -> Any:
        raise KeyError(field)

    def unmasked(self, field: str) -> None:
        return None

    @property
    def from_clause(self) -> FromClause:
        return self.source

    def joins(self) -> Iterator[tuple[FromClause, Column]]:
        for each in self._followed.values():
            if each.on is not None:
                yield each.source, each.on
                yield from each.joins()

    def _dated(self, table: sa.TableClause, of: str, value: str) -> Column:
        self._notes.add("clock")
        held, now = table.alias(), sa.literal(self._moment.now, UtcDateTime())
        at_the_time = sa.and_(held.c.valid_from <= now, sa.or_(held.c.valid_to.is_(None), held.c.valid_to > now))
        newest = held.c.valid_from.desc()
        chosen = sa.select(held.c[value]).where(held.c[of] == self.source.c.id, at_the_time).order_by(newest).limit(1)
        return chosen.correlate(self.source).scalar_subquery()


def members(link: Column, moment: Moment, notes: set[str], absent: bool = False) -> Directory:
    """The members that a column names."""
    return Directory(_member, link, moment, notes, absent)


def departments(link: Column, moment: Moment, notes: set[str], absent: bool = False) -> Directory:
    """The departments that a column names."""
    return Directory(_department, link, moment, notes, absent)
