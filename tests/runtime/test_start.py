"""Nothing starts on ground that does not hold, and each refusal is one sentence with exit code 78."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from starlette.testclient import TestClient

from engines.actor import Actor
from runtime import start, vault
from runtime.db import tables
from runtime.db.engine import Database
from runtime.db.migrate import VERSION_TABLE
from runtime.logs import _masked
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import Budget, begin, read
from runtime.web import health
from runtime.web.api import session

ADA = Actor(kind="user", member=7)


def fourfold(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PATH": os.environ["PATH"], "FOURFOLD_DATA_DIR": str(folder), **environment}
    command = [sys.executable, "-m", "runtime", *words]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    with (
        start.only_one(settings),
        pytest.raises(start.CannotStart, match=f"process {os.getpid()}"),
        start.only_one(settings),
    ):
        pass

    with start.only_one(settings):
        pass


def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    path = tmp_path / "fourfold.sqlite3"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    before = path.read_bytes()

    with pytest.raises(start.CannotStart, match="damaged .* restore a backup"):
        start.open_installation(settings)
    assert path.read_bytes() == before


def test_a_good_file_is_not_called_damaged(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "fourfold.sqlite3")
    connection.execute("CREATE TABLE t (id INTEGER)")
    connection.commit()
    connection.close()

    start.open_installation(Settings(_env_file=None, data_dir=tmp_path)).close()


def test_an_unmigrated_or_newer_database_is_refused(settings: Settings, services: Services) -> None:
    start.require_version(services)
    with services.database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(start.CannotStart, match="9999.*newer Fourfold"):
        start.require_version(services)
    with TestClient(create_app(settings, services, modules=(health, session))) as client:
        assert client.get("/readyz").json() == {"status": "migration_needed"}


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (("migrate",), {"FOURFOLD_DATA_DIR": "/proc/nowhere"}, "set FOURFOLD_DATA_DIR"),
        (("migrate",), {"FOURFOLD_PORT": "many"}, "FOURFOLD_PORT"),
        (("migrate",), {"FOURFOLD_DATABASE_URL": "sqlite://"}, "FOURFOLD_DATABASE_URL"),
        (("serve",), {}, "run `fourfold migrate`"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    done = fourfold(*words, folder=tmp_path, **environment)

    assert done.returncode == 78
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_member_is_made_on_the_command_line_and_gets_another_password(tmp_path: Path) -> None:
    assert fourfold("migrate", folder=tmp_path).returncode == 0
    made = fourfold("new-user", "Ada", "ada@example.com", "--admin", folder=tmp_path)
    again = fourfold("new-user", "Ada", "ada@example.com", folder=tmp_path)
    changed = fourfold("set-password", "ada@example.com", folder=tmp_path)
    nobody = fourfold("set-password", "eve@example.com", folder=tmp_path)

    assert "Password: " in made.stdout
    assert again.returncode == 1 and "email_taken" in again.stderr
    assert "new password: " in changed.stdout
    assert nobody.returncode == 1 and "unknown_member" in nobody.stderr


def test_a_transaction_tells_what_happened_in_one_flush(services: Services, database: Database) -> None:
    with begin(services, ADA) as tx:
        tx.traces.append({"id": 1, "app": "crm", "rule": "u_1", "rule_part": "x", "event": "update", "outcome": "fired",
                          "detail": {}, "at": tx.now})  # fmt: skip
        cause = tx.cause.id

    with database.read() as connection:
        assert connection.execute(text("SELECT id, actor, actor_kind FROM ff_cause")).one() == (cause, 7, "user")
        assert connection.execute(text("SELECT cause FROM ff_trace")).scalar() == cause


def test_a_transaction_in_which_nothing_happened_leaves_no_cause(services: Services, database: Database) -> None:
    with begin(services, ADA):
        pass
    with read(services, ADA) as tx:
        assert tx.organisation.people == {}

    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM ff_cause")).scalar() == 0


def test_what_rules_thought_of_a_refused_save_is_kept(services: Services, database: Database) -> None:
    from metadata.problems import Invalid

    with pytest.raises(Invalid), begin(services, ADA) as tx:
        tx.connection.execute(text("INSERT INTO ff_department (id, name, active) VALUES (1, 'Sales', true)"))
        tx.traces.append({"id": 1, "app": "crm", "rule": "u_1", "rule_part": "x", "event": "update",
                          "outcome": "refused", "detail": {}, "at": tx.now})  # fmt: skip
        raise Invalid()

    with database.read() as connection:
        assert connection.execute(text("SELECT outcome FROM ff_trace")).scalar() == "refused"
        assert connection.execute(text("SELECT count(*) FROM ff_department")).scalar() == 0


def test_a_budget_ends() -> None:
    from metadata.problems import LimitExceeded

    budget = Budget(depth=1, actions=1, writes=1)
    budget.spend_action()
    budget.spend_write()
    for spend in (budget.spend_action, budget.spend_write, Budget(depth=0).deeper().__enter__):
        with pytest.raises(LimitExceeded):
            spend()
    with budget.deeper(), pytest.raises(LimitExceeded), budget.deeper():
        pass
    with budget.deeper():
        pass


def test_the_log_keeps_secrets_to_itself() -> None:
    assert _masked("smtp_password", "x", set()) == "***"
    assert _masked("event", "login with hunter22 failed", {"hunter22"}) == "login with *** failed"


def test_a_process_without_the_right_master_key_says_so(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"member": 7, "secret": vault.seal(services.settings, "JBSWY3DP", "second_factor:7")}
    with services.database.write() as connection:
        connection.execute(insert(tables.second_factor).values(**values, created_at=services.clock()))

    start.warn_of_lost_key(services)
    assert capsys.readouterr().err == ""
    (services.settings.data_dir / vault.FILE).unlink()
    start.warn_of_lost_key(services)
    assert "need the master key" in capsys.readouterr().err
