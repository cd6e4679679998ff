"""kill -9 at any moment loses no acknowledged save, loses no job and doubles none.

Two rounds by default; FOURFOLD_KILL_ROUNDS=20 for the long loop.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from runtime.db import tables
from runtime.db.engine import Database
from tests.runtime.jobs import victim

ROUNDS = int(os.environ.get("FOURFOLD_KILL_ROUNDS", "2"))


@pytest.mark.slow
def test_kill_9_loses_nothing_and_doubles_nothing(database: Database, database_url: str, tmp_path: Path) -> None:
    database.dispose()
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        acknowledged |= _run_and_kill(database_url, tmp_path)

    _, errors = _run(database_url, tmp_path, "drain").communicate(timeout=victim.DRAIN_SECONDS + 60)

    with database.read() as connection:
        names = connection.scalars(select(tables.watermark.c.name).where(tables.watermark.c.name.like("record:%")))
        records = {name.removeprefix("record:") for name in names}
        done = select(tables.counter.c.field, tables.counter.c.value).where(tables.counter.c.app == "effects")
        effects = {row.field: row.value for row in connection.execute(done)}
        states = set(connection.scalars(select(tables.job.c.state)))
    assert states == {"done"}, errors
    assert acknowledged <= records
    assert set(effects) == records
    assert set(effects.values()) == {1}


def _run_and_kill(url: str, folder: Path) -> set[str]:
    process = _run(url, folder, "work")
    assert process.stdout is not None
    first = process.stdout.readline()  # the first save is acknowledged: it works
    time.sleep(random.uniform(0.3, 1.5))
    process.kill()
    rest, errors = process.communicate(timeout=30)
    assert first, errors
    return {first.strip(), *rest.split()[:-1]}  # the last line may be torn


def _run(url: str, folder: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.runtime.jobs.victim", url, str(folder), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd())
