"""Brings the platform tables to the version of this code, or says why that cannot be."""

import importlib.util
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from runtime.db.engine import Database

VERSION_TABLE = "ff_platform_version"


class WrongDatabaseVersion(Exception):
    """The database was written by another version of the code than this one."""


def migrate(database: Database) -> str:
    """Apply every missing step in one transaction and give the version reached."""
    with database.write_unhurried() as connection:
        refuse_newer(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest_version()


def current_version(connection: Connection) -> str | None:
    """Give the version the database is at; None before the first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def newest_version() -> str:
    """Give the version this code needs."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def require_current(database: Database) -> None:
    """Refuse a database that is older or newer than the code, and say what to do."""
    with database.read() as connection:
        refuse_newer(connection)
        found = current_version(connection)
    if found != newest_version():
        raise WrongDatabaseVersion(
            f"The database is at version {found or 'none'}, this program needs {newest_version()}: "
            "run `fourfold migrate`."
        )


def refuse_newer(connection: Connection) -> None:
    """Refuse a database that a newer program has written."""
    found = current_version(connection)
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise WrongDatabaseVersion(
            f"The database is at version {found}, which this program (up to {newest_version()}) does not know: "
            "it was written by a newer Fourfold. Start that one, or restore a backup."
        )


def _config() -> Config:
    config = Config()
    spec = importlib.util.find_spec("migrations")
    assert spec is not None and spec.submodule_search_locations
    config.set_main_option("script_location", str(Path(next(iter(spec.submodule_search_locations)))).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
