"""A PostgreSQL server for tests: fresh databases, and migrated ones that are emptied and used again."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import make_url

USES = 40  # of one database; each time a little stays behind in its catalogue

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
SEND_OTHERS_AWAY = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
SHAPE = """SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT format('%s %s %s', attrelid::regclass, attname, atttypid) AS line FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
    UNION ALL SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s %s', conrelid::regclass, conname) FROM pg_constraint
    UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)') AS lines"""

_numbers = itertools.count(1)


class PostgresServer:
    """A server on which tests make and drop databases."""

    def __init__(self, address: str, worker: str) -> None:
        self.url = make_url(address).set(drivername="postgresql")
        self.worker = worker

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """The address of a copy of a database, which lives as long as the block lasts."""
        name = self.create(template)
        try:
            yield self.address(name)
        finally:
            self.drop(name)

    def create(self, template: str) -> str:
        name = f"test_{self.worker}_{os.getpid()}_{next(_numbers)}"
        self.say(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        self.say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def address(self, name: str) -> str:
        return self.url.set(drivername="postgresql+psycopg", database=name).render_as_string(False)

    def hurry(self) -> None:
        """Nobody misses a test's database after a power failure, nor tidies one that lives for seconds."""
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            self.say(f"ALTER SYSTEM SET {setting} = off")
        self.say("SELECT pg_reload_conf()")

    def say(self, statement: str) -> None:
        with self.connect(str(self.url.database)) as connection:
            connection.execute(statement)

    def connect(self, name: str) -> "psycopg.Connection[Any]":
        address = self.url.set(database=name).render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True)


class Reused:
    """Migrated databases that serve one test after another: emptying one takes far less than making one.

    One that a test left in another shape is dropped. This takes a superuser, so it is for a server of our own.
    """

    def __init__(self, server: PostgresServer, template: str) -> None:
        self.server, self.template = server, template
        self.free: list[str] = []
        self.uses: dict[str, int] = {}
        with server.connect(template) as connection:
            self.tables = {name for (name,) in connection.execute(TABLES)}
            self.filled = {
                name for name in self.tables if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()
            }
            self.shape = self._shape(connection)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a database with the platform tables and nothing in them."""
        name = self.free.pop() if self.free else self.server.create(self.template)
        self.uses[name] = self.uses.get(name, 0) + 1
        try:
            yield self.server.address(name)
        finally:
            if self.uses[name] < USES and self._emptied(name):
                self.free.append(name)
            else:
                self.server.drop(name)

    def close(self) -> None:
        for name in self.free:
            self.server.drop(name)

    def _emptied(self, name: str) -> bool:
        """Take out what a test put in; false where something else is left."""
        with self.server.connect(name) as connection:
            connection.execute(SEND_OTHERS_AWAY)
            connection.execute("SET session_replication_role = replica")  # no trigger forbids it, no key asks
            more = {table for (table,) in connection.execute(TABLES)} - self.tables
            drops = [f'DROP TABLE "{table}" CASCADE' for table in more]
            drops += [f'DROP SCHEMA "{schema}" CASCADE' for (schema,) in connection.execute(SCHEMAS)]
            looks = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in self.tables - self.filled]
            deletes = [f'DELETE FROM "{table}"' for (table,) in connection.execute(" UNION ALL ".join(looks))]
            restarts = [f'ALTER SEQUENCE "{sequence}" RESTART' for (sequence,) in connection.execute(SEQUENCES)]
            connection.execute(";".join(["BEGIN", *drops, *deletes, *restarts, "COMMIT"]))
            return self._shape(connection) == self.shape

    def _shape(self, connection: "psycopg.Connection[Any]") -> list[Any]:
        rows = [
            f"SELECT md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM \"{table}\" row" for table in self.filled
        ]
        return [connection.execute(question).fetchall() for question in (SHAPE, *sorted(rows))]
