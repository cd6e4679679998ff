"""The migrations lead to exactly the tables the code speaks of, on both databases."""

import ast
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from runtime.db import tables
from runtime.db.engine import Database
from runtime.db.migrate import (
    VERSION_TABLE,
    WrongDatabaseVersion,
    _config,
    migrate,
    newest_version,
    require_current,
)


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name != VERSION_TABLE},
        )
        differences = compare_metadata(context, tables.metadata)

    assert differences == []


def test_migrating_twice_changes_nothing(empty_database: Database) -> None:
    assert migrate(empty_database) == newest_version()
    assert migrate(empty_database) == newest_version()
    require_current(empty_database)


def test_an_unmigrated_database_is_refused_with_the_way_out(empty_database: Database) -> None:
    with pytest.raises(WrongDatabaseVersion, match="run `fourfold migrate`"):
        require_current(empty_database)


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(WrongDatabaseVersion, match="newer Fourfold"):
        require_current(database)
    with pytest.raises(WrongDatabaseVersion, match="newer Fourfold"):
        migrate(database)


def test_a_migration_that_fails_leaves_nothing_behind(empty_database: Database) -> None:
    with pytest.raises(RuntimeError), empty_database.write_unhurried() as connection:
        connection.execute(text("CREATE TABLE ff_half (id INTEGER)"))
        raise RuntimeError("the power went out")

    with empty_database.read() as connection:
        assert inspect(connection).get_table_names() == []


def test_entries_of_rows_find_the_record_that_held_them(empty_database: Database) -> None:
    entry = text(
        "INSERT INTO ff_record_version (id, app, form, record, seq, version, at, cause, op, forms_hash, doc, changed) "
        "VALUES (:id, 'crm', :form, :record, :seq, 1, '2026-01-01 00:00:00.000000', 1, :op, '', :doc, '[]')"
    )
    before = [
        {"id": 1, "form": "t_deal", "record": 10, "seq": 1, "op": "create", "doc": '{"id": 10, "f_record": "x"}'},
        {"id": 2, "form": "f_items", "record": 11, "seq": 1, "op": "update", "doc": '{"id": 11, "record": 10}'},
        {"id": 3, "form": "f_items", "record": 11, "seq": 2, "op": "delete", "doc": None},
    ]
    with empty_database.write_unhurried() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(entry, before)

    migrate(empty_database)
    with empty_database.read() as connection:
        found = connection.execute(text("SELECT id, parent FROM ff_record_version ORDER BY id")).all()
    assert [tuple(row) for row in found] == [(1, None), (2, 10), (3, 10)]


def test_versions_import_nothing_from_the_project() -> None:
    for path in Path("migrations/versions").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[0] for name in names} & {"metadata", "engines", "runtime", "builder_api"}
