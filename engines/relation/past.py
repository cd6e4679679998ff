"""The past as FROM elements: a form's records, a subform's rows and a field's lists as they were at a moment.

They are read from the full after-images that history keeps (`ff_record_version`), under the column names of the tables
of today. Every value is read totally: what was kept under another type, or is broken, comes out blank and never as an
error.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from engines.columns import Id, UtcDateTime
from engines.compiled import CompiledField, CompiledForm
from engines.relation.documents import Elements, documents
from engines.system_fields import SYSTEM_TYPES
from metadata.value_types import MEMBER, ValueType

Column = ColumnElement[Any]

DOCUMENT = "_document"  # the whole after-image, beside the columns made of it

_versions = sa.table(
    "ff_record_version",
    *(sa.column(name, Id) for name in ("record", "parent")),
    *(sa.column(name, sa.Text) for name in ("app", "form", "op")),
    *(sa.column(name, sa.Integer) for name in ("seq", "version")),
    sa.column("at", UtcDateTime),
    sa.column("doc", sa.Text),
)

WHOLE_NUMBER = MEMBER  # as an id is written
_IN_DOCUMENTS = {name: type for name, type in SYSTEM_TYPES.items() if name not in ("id", "version")}


@dataclass(frozen=True)
class Past:
    """The records of an app at a moment."""

    app: str
    moment: datetime
    dialect: str

    def records(self, form: CompiledForm) -> FromClause:
        """The records of a form that were there, what lay in the trash left out."""
        version = _versions.alias()
        deleted = documents(self.dialect).has(version.c.doc, "deleted_at")
        system = [self._value(version, name, type).label(name) for name, type in _IN_DOCUMENTS.items()]
        columns = [version.c.record.label("id"), version.c.version.label("version"), *system]
        return self._table(version, form, columns, ~deleted)

    def rows(self, subform: CompiledForm) -> FromClause:
        """The rows of a subform, each with its record and its place there."""
        version = _versions.alias()
        position = self._value(version, "position", WHOLE_NUMBER).label("position")
        columns = [version.c.record.label("id"), version.c.parent.label("record"), position]
        return self._table(version, subform, columns, version.c.parent.is_not(None))

    def table(self, form: CompiledForm) -> FromClause:
        """The records of a form, or the rows of a subform."""
        return self.records(form) if form.parent is None else self.rows(form)

    def values(self, field: CompiledField, source: FromClause) -> Elements:
        """The values of a list field in the records (or rows) of this past that a FROM element holds."""
        assert field.type.of is not None
        return documents(self.dialect).elements(source.c[DOCUMENT], field.id, field.type.of)

    # --- below ---

    def _table(self, version: Any, form: CompiledForm, columns: list[Any], there: Column) -> FromClause:
        """The last entry of each record at the moment, with the columns of the form's table."""
        own = [self._value(version, each.id, each.type).label(each.column or "") for each in form.stored]
        whole = version.c.doc.label(DOCUMENT)
        latest = sa.and_(self._until(version, form), version.c.op != "delete", ~self._newer(version, form), there)
        return sa.select(*columns, *own, whole).where(latest).subquery()

    def _newer(self, version: Any, form: CompiledForm) -> Column:
        newer = _versions.alias()
        same = sa.and_(newer.c.record == version.c.record, newer.c.seq > version.c.seq)
        chosen = sa.select(sa.literal(1)).where(self._until(newer, form), same)
        return chosen.correlate(version).exists()

    def _until(self, version: Any, form: CompiledForm) -> Column:
        until = sa.literal(self.moment, UtcDateTime())
        return sa.and_(version.c.app == self.app, version.c.form == form.id, version.c.at <= until)

    def _value(self, version: Any, name: str, type: ValueType) -> Column:
        return documents(self.dialect).value(version.c.doc, name, type)
