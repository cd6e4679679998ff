"""A source of rows as the SQL compiler sees it; the masked relation of an actor is one."""

from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause


class Readable(Protocol):
    """Masked columns in their stored form, links to follow, rows and lists to look into."""

    @property
    def from_clause(self) -> FromClause:
        """What to select from, with the joins that were asked for so far."""
        ...

    def column(self, field: str) -> ColumnElement[Any]:
        """The column of a field or system field (by id)."""
        ...

    def follow(self, field: str) -> "Readable":
        """Where a link, member or department field leads; one join per path."""
        ...

    def rows(self, field: str) -> "tuple[Readable, ColumnElement[bool]]":
        """The rows of a subform field, over an alias, with the condition that joins them to this record."""
        ...

    def values(self, field: str) -> "tuple[FromClause, ColumnElement[Any], ColumnElement[bool]]":
        """The side table of a list field: the table, its value column, the condition that joins it to this record."""
        ...

    def unmasked(self, field: str) -> "tuple[ColumnElement[Any], ColumnElement[bool]] | None":
        """A masked column as it is stored, and when it shows: for filters that an index may serve; else None."""
        ...
