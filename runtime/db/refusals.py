"""Errors of a database that mean "try again": a full pool, a locked file, a statement that took too long."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from metadata.problems import ROOT, Problem, Refusal


class DatabaseBusy(Refusal):
    """The database did not let us in soon enough; nothing was done and trying again is right."""

    status = 503
    code = "database_busy"
    title = {"en": "The database is busy; try again in a moment", "zh": "数据库繁忙，请稍后重试"}
    retry_after = 1


class TooSlow(Refusal):
    """A question took longer than a reader may take."""

    status = 503
    code = "query_timeout"
    title = {"en": "This question took too long", "zh": "查询耗时过长"}
    retry_after = 5


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn a full pool, a locked file and a stopped statement into refusals that say so."""
    try:
        yield
    except exc.TimeoutError as error:
        raise busy() from error
    except exc.OperationalError as error:
        if (refusal := _refusal_for(error)) is None:
            raise
        raise refusal from error


def _refusal_for(error: exc.OperationalError) -> Refusal | None:
    original = error.orig
    if isinstance(original, sqlite3.OperationalError):
        name = getattr(original, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return busy()
        return _too_slow() if name == "SQLITE_INTERRUPT" else None
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate == "55P03":
        return busy()
    return _too_slow() if sqlstate == "57014" else None


def _too_slow() -> TooSlow:
    message = {
        "en": "The answer took too long and was stopped",
        "zh": "查询耗时过长，已停止",
    }
    hint = {"en": "Narrow the filter or the period", "zh": "请缩小筛选条件或时间范围"}
    return TooSlow(Problem(ROOT, "query_timeout", message, hint))


def busy() -> DatabaseBusy:
    """The refusal of somebody whose turn to write did not come."""
    message = {"en": "Somebody else is writing; try again in a moment", "zh": "其他人正在写入，请稍后重试"}
    return DatabaseBusy(Problem(ROOT, "database_busy", message))
