"""The tables of an app: named from stable ids, so that labels and names never reach SQL."""

from collections.abc import Container, Iterable
from typing import Any

import sqlalchemy as sa

from engines.columns import Id, UtcDateTime, column_type
from engines.compiled import CompiledField, StoredAs
from engines.forms.filtered import INDEXABLE, TOO_LONG
from metadata.value_types import ValueType

TABLE = "table"
ROWS = "rows"


def shape_of(value_type: ValueType) -> str:
    """In which form values of a type are stored; another shape needs another column."""
    match value_type.name:
        case "number":
            return f"number:{value_type.decimals}"
        case "link":
            return f"link:{value_type.form}"
        case "list":
            return "list:" + (shape_of(value_type.of) if value_type.of else "text")
    return value_type.name


def stored_as(known: StoredAs | None, shape: str) -> StoredAs:
    """Keep the generation while the shape stays; a new shape begins the next one."""
    if known is None:
        return StoredAs(1, shape)
    return known if known.shape == shape else StoredAs(known.generation + 1, shape)


def physical(id: str, generation: int) -> str:
    """The name of a column (or, after its prefix, of a table) from a stable id and its storage generation."""
    return id if generation == 1 else f"{id}_{generation}"


def form_table(metadata: sa.MetaData, number: int, form: str, columns: Iterable[sa.Column[object]]) -> sa.Table:
    """The table of a form: the system columns, then those of the fields."""
    name = f"a{number}_{form}"
    return sa.Table(
        name,
        metadata,
        sa.Column("id", Id, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("owner", sa.BigInteger),
        sa.Column("department", sa.BigInteger),
        sa.Column("created_at", UtcDateTime),
        sa.Column("created_by", sa.BigInteger),
        sa.Column("updated_at", UtcDateTime),
        sa.Column("updated_by", sa.BigInteger),
        sa.Column("deleted_at", UtcDateTime),
        *columns,
        index(f"ix_{name}_owner", "owner"),
        index(f"ix_{name}_department", "department"),
    )


def index(name: str, column: sa.Column[object] | str, **more: Any) -> sa.Index:
    """An index that serves lists sorted either way: blanks stand first in it, as they do on SQLite anyway."""
    key = column if isinstance(column, str) else column.key
    return sa.Index(name, column, postgresql_ops={key: "NULLS FIRST"}, **more)


def rows_table(
    metadata: sa.MetaData, number: int, subform: str, generation: int, parent: str, columns: Iterable[sa.Column[object]]
) -> sa.Table:
    """The table of a subform's rows, each of which belongs to a record."""
    name = f"a{number}_{physical(subform, generation)}"
    return sa.Table(
        name,
        metadata,
        sa.Column("id", Id, primary_key=True, autoincrement=False),
        sa.Column("record", sa.BigInteger, sa.ForeignKey(f"{parent}.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        *columns,
        sa.Index(f"ix_{name}_record", "record", "position"),
    )


def side_table(
    metadata: sa.MetaData, number: int, field: str, generation: int, owner: str, element: ValueType
) -> sa.Table:
    """The table of a field that holds several values: one row each."""
    name = f"a{number}_{physical(field, generation)}"
    return sa.Table(
        name,
        metadata,
        sa.Column("record", sa.BigInteger, sa.ForeignKey(f"{owner}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("value", column_type(element), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Index(f"ix_{name}_value", "value"),
    )


def add_indexes(
    table: sa.Table, fields: Iterable[CompiledField], in_rows: bool, filtered: Container[str] = frozenset()
) -> None:
    """Give the columns that are searched by an index (links, members, stages, dates, what the app filters by, by name,
    and what its author wants indexed), and unique ones a unique one.

    What lies in the trash does not count for uniqueness. Rows are unique within their record, which no index says.
    """
    for field in fields:
        if field.column is None:
            continue
        column = table.c[field.column]
        if (field.unique or field.storage == "number") and not in_rows:
            alive = table.c.deleted_at.is_(None)
            name = f"uq_{table.name}_{field.column}"
            index(name, column, unique=True, sqlite_where=alive, postgresql_where=alive)
        elif _is_searched_by(field) or (_is_asked_for(field, filtered) and _fits_an_index(field)):
            index(f"ix_{table.name}_{field.column}", column)


def can_be_indexed(field: CompiledField) -> bool:
    """Whether a column of its own keeps the values, of a kind that an index can order."""
    return field.column is not None and (_is_searched_by(field) or _fits_an_index(field))


def has_index(table: sa.Table, field: CompiledField) -> bool:
    """Whether filters by this field find an index."""
    return any(field.column == each.columns[0].name for each in table.indexes)


def _is_asked_for(field: CompiledField, filtered: Container[str]) -> bool:
    return field.name in filtered or bool(getattr(field.options, "indexed", False))


def _is_searched_by(field: CompiledField) -> bool:
    return field.type.is_reference or field.stage or field.type.name in ("date", "datetime")


def _fits_an_index(field: CompiledField) -> bool:
    return field.type.name in INDEXABLE and field.kind.name not in TOO_LONG
