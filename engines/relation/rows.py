"""Subform rows beside the record that holds them, as totals and reports over rows read them."""

from sqlalchemy.sql.selectable import FromClause

from engines.relation.directory import Directory
from engines.relation.masked import Column, Relation


class RowsOfRecords:
    """Subform rows beside the record that holds them, as the SQL compiler reads a row's expression."""

    def __init__(self, record: Relation, rows: Relation) -> None:
        self.record = record
        self._rows = rows

    @property
    def from_clause(self) -> FromClause:
        return self._rows.from_clause

    def column(self, field: str) -> Column:
        return self._rows.column(field)

    def follow(self, field: str) -> Relation | Directory:
        return self._rows.follow(field)

    def rows(self, field: str) -> tuple[Relation, Column]:
        return self._rows.rows(field)

    def values(self, field: str) -> tuple[FromClause, Column, Column]:
        return self._rows.values(field)

    def unmasked(self, field: str) -> tuple[Column, Column] | None:
        return self._rows.unmasked(field)
