"""The audit trail is a chain: whoever changes, removes or adds an entry behind our back is found out (P8)."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from engines.actor import system
from runtime import audit
from runtime.audit import sealing
from runtime.audit.sealing import Verdict, seal, seal_some
from runtime.cli import commands
from runtime.db import tables
from runtime.services import Services
from runtime.transaction import run
from tests.conftest import NOW


def act(services: Services, count: int = 1) -> None:
    for number in range(count):
        detail = {"b": number, "a": "漢", "money": 1.5}
        run(services, system("test"), lambda tx, told=detail: audit.note(tx, "tested", kind="x", object=7, detail=told))


def verdict(services: Services, checkpoints: dict[int, str] | None = None) -> Verdict:
    with services.database.read() as connection:
        return sealing.verify(services.settings, connection, checkpoints)


def without_triggers(connection: Connection) -> None:
    """What somebody does who owns the database."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TRIGGER ff_audit_keep"))
        connection.execute(text("DROP TRIGGER ff_audit_seal"))
    else:
        connection.execute(text("ALTER TABLE ff_audit DISABLE TRIGGER ALL"))


def test_entries_are_sealed_once_in_their_order(services: Services) -> None:
    act(services, 3)
    assert verdict(services).unsealed == 3

    assert seal(services) == 3
    assert seal(services) == 0
    act(services)
    assert seal(services) == 1
    found = verdict(services)
    assert (found.sealed, found.unsealed, found.problems) == (4, 0, ())


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ff_audit SET action = 'nothing' WHERE chain_pos = 2", ("entry 2 was changed",)),
        ("UPDATE ff_audit SET credential = 'session:1' WHERE chain_pos = 2", ("entry 2 was changed",)),
        ("DELETE FROM ff_audit WHERE chain_pos = 2", ("entries 2 to 2 are gone",)),
    ],
)
def test_a_change_behind_our_back_shows(services: Services, statement: str, said: tuple[str, ...]) -> None:
    act(services, 3)
    seal(services)
    with services.database.write() as connection:
        without_triggers(connection)
        connection.execute(text(statement))

    assert verdict(services).problems[: len(said)] == said


def test_the_end_cannot_be_cut_off_behind_a_checkpoint(services: Services) -> None:
    act(services, 3)
    seal(services)
    checkpoint = {3: verdict(services).last}
    assert verdict(services, checkpoint).problems == ()
    with services.database.write() as connection:
        without_triggers(connection)
        connection.execute(text("DELETE FROM ff_audit WHERE chain_pos = 3"))

    assert verdict(services).problems == ()
    assert verdict(services, checkpoint).problems == ("entry 3 of a checkpoint is not there",)


def test_the_database_itself_refuses_changes(services: Services) -> None:
    act(services)
    seal(services)

    for statement in ("UPDATE ff_audit SET action = 'x'", "DELETE FROM ff_audit", "UPDATE ff_audit SET hash = 'x'"):
        with pytest.raises(DBAPIError, match="append-only"), services.database.write() as connection:
            connection.execute(text(statement))


def test_another_master_key_is_told_and_not_mistaken_for_a_change(services: Services) -> None:
    act(services)
    seal(services)
    other = services.settings.model_copy(update={"master_key": _secret()})

    with services.database.read() as connection:
        problems = sealing.verify(other, connection).problems
    assert len(problems) == 1 and "which is not here" in problems[0]


def _secret() -> object:
    from pydantic import SecretStr

    return SecretStr(base64.b64encode(os.urandom(32)).decode())


def test_two_who_seal_at_once_make_one_chain(services: Services) -> None:
    act(services, 3)
    with ThreadPoolExecutor() as beside, services.database.write() as connection:
        seal_some(services.settings, connection)
        other = beside.submit(seal, services)
        while services.database.is_postgresql and not _somebody_waits(services):
            assert not other.done()
        before_all = sa.insert(tables.audit).values(seq=1, at=NOW, actor_kind="system", action="late", detail={})
        connection.execute(before_all.values(result="ok"))

    assert other.result() == 1
    found = verdict(services)
    assert (found.sealed, found.unsealed, found.problems) == (4, 0, ())


def _somebody_waits(services: Services) -> bool:
    with services.database.read() as connection:
        here = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return connection.execute(text(here)).first() is not None


def test_the_command_tells_the_end_of_the_chain_and_compares_it(services: Services) -> None:
    act(services, 2)
    settings = services.settings
    here = {"FOURFOLD_DATA_DIR": str(settings.data_dir), "FOURFOLD_DATABASE_URL": settings.database_url}
    first = CliRunner(env=here).invoke(commands, ["verify-audit"])
    end = first.stdout.strip().rpartition(" ")[2]
    again = CliRunner(env=here).invoke(commands, ["verify-audit", "--checkpoint", end])
    forged = CliRunner(env=here).invoke(commands, ["verify-audit", "--checkpoint", "2=0000"])

    assert first.exit_code == 0 and end.startswith("2=")
    assert again.exit_code == 0
    assert forged.exit_code == 1 and "not the one of the checkpoint" in forged.stderr
