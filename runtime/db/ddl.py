"""Carries out a schema plan with Alembic's operations, and compares tables with what they should be.

The difference of two compiled apps decides what is done (`engines.forms.schema_plan`); Alembic only emits it, and
looks for drift. No table is ever copied (SQLite's batch mode would fire ON DELETE of its foreign keys), no column is
altered or dropped: all steps are native on both databases.
"""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import AddColumnOp, CreateIndexOp, CreateTableOp, DropIndexOp

from engines.compiled import CompiledApp
from engines.forms.schema_plan import Phase, SchemaPlan, Step
from metadata.problems import ROOT, Conflict, Problem


def apply(connection: sa.Connection, plan: SchemaPlan, phase: Phase = "expand") -> None:
    """Carry out the steps of one phase inside the caller's transaction; `backfill` is done by runtime.db.backfill."""
    operations = Operations(MigrationContext.configure(connection))
    for step in plan.of(phase):
        _carry_out(connection, operations, step)


def drift(connection: sa.Connection, app: CompiledApp) -> list[str]:
    """How the app's tables differ from what they should be; columns and tables that are there besides are no matter."""
    prefix = f"a{app.number}_"
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or str(name).startswith(prefix),
            "include_object": _is_compared,
        },
    )
    return [_described(difference) for difference in compare_metadata(context, app.metadata)]


def _carry_out(connection: sa.Connection, operations: Operations, step: Step) -> None:
    table = step.table
    assert table is not None
    if step.kind == "create_table":
        operations.invoke(CreateTableOp.from_table(table))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            operations.invoke(CreateIndexOp.from_index(index))
    elif step.kind == "add_column":
        column = table.c[str(step.column)]
        operations.invoke(AddColumnOp(table.name, sa.Column(column.name, column.type)))
    elif step.index is not None and step.kind == "add_index":
        if step.index.unique:
            _refuse_doubles(connection, step)
        creation = CreateIndexOp.from_index(step.index)
        creation.if_not_exists = not step.index.unique  # one that nobody asked for any more is still there
        operations.invoke(creation)
    elif step.index is not None and step.kind == "drop_index":
        operations.invoke(DropIndexOp(str(step.index.name), table.name, if_exists=True))


def _refuse_doubles(connection: sa.Connection, step: Step) -> None:
    """A field becomes unique only where no value stands twice; the answer names none of them."""
    assert step.table is not None and step.index is not None
    column = next(iter(step.index.columns))
    values = sa.select(column).where(column.is_not(None), step.table.c.deleted_at.is_(None))
    doubled = values.group_by(column).having(sa.func.count() > 1).limit(1_000).subquery()
    count = connection.scalar(sa.select(sa.func.count()).select_from(doubled))
    if count:
        message = {
            "en": f"{count} values of this field stand in more than one record, so it cannot be unique yet",
            "zh": f"该字段有 {count} 个值出现在多条记录中，暂时不能设为唯一",
        }
        hint = {"en": "Make them different first", "zh": "请先修改重复的值"}
        raise Conflict(Problem(ROOT / step.form / str(step.field), "not_unique", message, hint))


def _described(difference: Any) -> str:
    """One difference in a line: what it is, and of which table and column."""
    if isinstance(difference, list):
        return "; ".join(_described(each) for each in difference)
    kind, *rest = difference
    return f"{kind} " + " ".join(str(getattr(each, "name", each)) for each in rest if each is not None)


def _is_compared(thing: Any, _name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """What is there besides is no matter; nor where in an index Alembic believes the blanks to be."""
    if other is None:
        return not reflected
    return kind != "index" or _nature(thing) != _nature(other)


def _nature(index: sa.Index) -> tuple[Any, ...]:
    return tuple(column.name for column in index.columns), index.unique
