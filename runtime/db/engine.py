"""The only engine factory: one Database for SQLite and PostgreSQL, with transactions that mean the same on both."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, exc, make_url, text
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.db.locks import FairLock
from runtime.db.refusals import busy, clear_errors

T = TypeVar("T")

POOL_SIZE = 40  # as many as there are request threads (L67)
POOL_WAIT_SECONDS = 2.0
BUSY_SECONDS = 5.0
READ_SECONDS = 30.0  # that a statement may take where nothing else is said
LIST_SECONDS = 2.0
REPORT_SECONDS = 10.0
RETRIES = 3
IDLE_SECONDS_BEFORE_PING = 10.0
RETRYABLE_SQLSTATES = {"40001", "40P01"}  # serialisation failure, deadlock
SQLITE_STEPS_BETWEEN_CLOCK_LOOKS = 20_000

SECONDS, BEGUN = "statement_seconds", "statement_begun"  # what a connection remembers

OnConnect = Callable[[sqlite3.Connection], None]


class Database:
    """One organisation's database: `read()` and `write()` give a Connection inside a transaction."""

    def __init__(self, engine: Engine, busy_seconds: float) -> None:
        self.engine = engine
        self.busy_seconds = busy_seconds
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgresql else engine
        self._writer_lock = FairLock()

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @property
    def is_postgresql(self) -> bool:
        return self.dialect == "postgresql"

    @contextmanager
    def read(self, seconds: float | None = None) -> Iterator[Connection]:
        """Give a connection to read through; a statement that runs too long is stopped."""
        limit = READ_SECONDS if seconds is None else seconds
        with clear_errors(), self._reader.connect() as connection:
            if self.is_postgresql:
                _postgresql_time_limit(connection, limit)
                yield connection
            else:
                with _sqlite_time_limit(connection, limit):
                    yield connection

    @contextmanager
    def look_up(self) -> Iterator[Connection]:
        """Give a connection for a question by key: it is over at once, so whichever time limit stands may stay."""
        with clear_errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that writes: committed at the end, rolled back when an exception passes."""
        with self._writing() as connection, connection.begin():
            if connection.info.get(SECONDS, READ_SECONDS) != READ_SECONDS:  # as the last reader has left it
                connection.execute(text(f"SET LOCAL statement_timeout = {READ_SECONDS * 1000:.0f}"))
            yield connection

    @contextmanager
    def write_unhurried(self) -> Iterator[Connection]:
        """Write as `write()` does, for publishing and migrations: no statement limit, but no long wait for locks."""
        with self.write() as connection:
            if self.is_postgresql:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            yield connection

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one write transaction, again from the start (3 times at most) after a deadlock."""
        for attempt in range(1, RETRIES + 1):
            try:
                with self.write() as connection:
                    return work(connection)
            except exc.DBAPIError as error:
                if not is_retryable(error) or attempt == RETRIES:
                    raise
                time.sleep(random.uniform(0.005, 0.03) * attempt)
        raise AssertionError("unreachable")

    def hurry(self) -> None:
        """Sync to disk at checkpoints only, for loading what can be loaded again: fast, never torn, not yet durable."""
        if self.is_sqlite:
            self.engine.dispose()
            event.listen(self.engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=NORMAL"))

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self.is_postgresql:
            with clear_errors(), self.engine.connect() as connection:
                yield connection
            return
        if not self._writer_lock.acquire(self.busy_seconds):
            raise busy()
        try:
            with clear_errors(), self.engine.connect() as connection:
                yield connection.execution_options(write=True)
        finally:
            self._writer_lock.release()


def open_database(url: str, on_connect: OnConnect | None = None, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Open the database that the address names; `on_connect` sees every new SQLite connection (functions of ours)."""
    if make_url(url).get_backend_name() == "sqlite":
        return Database(_sqlite_engine(url, on_connect or _register_expression_functions, busy_seconds), busy_seconds)
    return Database(_postgresql_engine(url), busy_seconds)


def is_retryable(error: BaseException) -> bool:
    """Tell whether the transaction lost against another one and may simply run again."""
    original = getattr(error, "orig", None)
    return getattr(original, "sqlstate", None) in RETRYABLE_SQLSTATES


def write_json(value: Any) -> str:
    """Write a JSON column: numbers exact to 15 digits, moments in UTC."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


# --- SQLite ---


def _sqlite_engine(url: str, on_connect: OnConnect, busy_seconds: float) -> Engine:
    _file_of(url).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=10,
        pool_timeout=POOL_WAIT_SECONDS,
        json_serializer=write_json,
        json_deserializer=orjson.loads,
        connect_args={"check_same_thread": False, "timeout": busy_seconds},
    )

    @event.listens_for(engine, "connect")
    def prepare(dbapi_connection: Any, _record: ConnectionPoolEntry) -> None:
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is transactional too
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            dbapi_connection.execute(f"PRAGMA {pragma}")
        on_connect(dbapi_connection)

    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _note_begin)
    event.listen(engine, "handle_error", _call_it_by_its_name)
    return engine


def _file_of(url: str) -> Path:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError(
            "Fourfold keeps its SQLite database in a file; name one, as in sqlite:///data/fourfold.sqlite3"
        )
    return Path(path)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _call_it_by_its_name(context: ExceptionContext) -> None:
    """A number beyond 64 bits is the asker's mistake, as it is on PostgreSQL, and no accident."""
    if isinstance(context.original_exception, OverflowError):
        raise exc.DataError(context.statement, {}, context.original_exception)


def _register_expression_functions(connection: sqlite3.Connection) -> None:
    """Give SQLite the functions that expressions compile to; loaded late, since commands like `migrate` need none."""
    from engines.expressions import register_sqlite_functions

    register_sqlite_functions(connection)


@contextmanager
def _sqlite_time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    raw: Any = connection.connection.driver_connection
    begun = connection.info

    def is_over() -> bool:
        return time.monotonic() > begun.get(BEGUN, 0.0) + seconds

    raw.set_progress_handler(is_over, SQLITE_STEPS_BETWEEN_CLOCK_LOOKS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _note_begin(connection: Connection, *_: Any) -> None:
    connection.info[BEGUN] = time.monotonic()


# --- PostgreSQL ---


def _postgresql_time_limit(connection: Connection, seconds: float) -> None:
    """Say how long a statement may take, where it is not said already; a connection keeps it until told otherwise."""
    if connection.info.get(SECONDS, READ_SECONDS) != seconds:
        connection.execute(text(f"SET statement_timeout = {seconds * 1000:.0f}"))
        connection.info[SECONDS] = seconds


def _postgresql_engine(url: str) -> Engine:
    settings = {
        "timezone": "UTC",
        "statement_timeout": f"{READ_SECONDS:.0f}s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
    }
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        max_overflow=5,
        pool_timeout=POOL_WAIT_SECONDS,
        json_serializer=write_json,
        json_deserializer=orjson.loads,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "application_name": "fourfold",
            "connect_timeout": 5,
        },
    )

    @event.listens_for(engine, "checkin")
    def remember(_dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["resting_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping_after_rest(dbapi_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("resting_since", time.monotonic()) > IDLE_SECONDS_BEFORE_PING:
            _ping(engine, dbapi_connection)

    return engine


def _ping(engine: Engine, dbapi_connection: Any) -> None:
    """Ask whether the server is still there; if not, the pool throws its old connections away and makes a new one."""
    try:
        alive = engine.dialect.do_ping(dbapi_connection)
    except Exception as error:
        raise exc.DisconnectionError("the database server went away") from error
    if not alive:
        raise exc.DisconnectionError("the database server went away")
