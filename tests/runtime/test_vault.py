"""The vault: what is sealed is read again by the same master key, and by nobody else."""

import base64
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime import vault
from runtime.settings import Settings
from runtime.vault import WrongMasterKey


def settings(folder: Path, **more: str) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **more)  # type: ignore[arg-type]


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_a_sealed_text_is_read_again_and_tells_nothing(tmp_path: Path) -> None:
    here = settings(tmp_path)
    sealed = vault.seal(here, "JBSWY3DP", "second_factor:7")

    assert vault.unseal(here, sealed, "second_factor:7") == "JBSWY3DP"
    assert "JBSWY3DP" not in sealed
    assert sealed != vault.seal(here, "JBSWY3DP", "second_factor:7")


def test_a_sealed_text_cannot_be_moved_to_somebody_else(tmp_path: Path) -> None:
    here = settings(tmp_path)

    with pytest.raises(WrongMasterKey):
        vault.unseal(here, vault.seal(here, "JBSWY3DP", "second_factor:7"), "second_factor:8")


def test_the_key_is_made_once_and_read_by_nobody_else(tmp_path: Path) -> None:
    here = settings(tmp_path)

    assert vault.master_key(here) == vault.master_key(here)
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    vault.master_key(settings(tmp_path))
    (tmp_path / "master.key").chmod(0o644)

    with pytest.raises(WrongMasterKey, match="chmod 600"):
        vault.master_key(settings(tmp_path))


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = vault.seal(settings(tmp_path), "JBSWY3DP", "x")

    with pytest.raises(WrongMasterKey):
        vault.unseal(settings(tmp_path, master_key=new_key()), sealed, "x")


def test_a_key_from_the_environment_leaves_no_file(tmp_path: Path) -> None:
    vault.seal(settings(tmp_path, master_key=new_key()), "x", "x")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["secret", "A" * 44, base64.b64encode(b"\0" * 32).decode(), "钥匙"])
def test_what_is_no_key_stops_the_start(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValidationError, match="32 random bytes"):
        settings(tmp_path, master_key=key)
