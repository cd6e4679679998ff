"""The wheel carries everything that runs, and runs in an empty environment; the locks name no host."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VENDORED = ("htmx.js", "echarts.js", "sortable.js", "gridstack.js", "gridstack.css", "icons.svg", "LICENSES.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    if not (ROOT / "templates/static/vendor/LICENSES.txt").exists():
        pytest.skip("the front-end files are not vendored: make vendor")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_templates_migrations_examples_and_vendored_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    wanted = {
        "runtime/identity/common_words.txt",
        "migrations/env.py",
        "migrations/versions/0001_first_tables.py",
        "examples/crm_app.json",
        "templates/layouts/shell.html",
        *(f"templates/static/vendor/{name}" for name in VENDORED),
    }
    assert wanted <= names


def test_the_wheel_carries_nothing_that_only_developers_need(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}

    assert tops == {"metadata", "engines", "runtime", "builder_api", "templates", "migrations", "examples"}
    assert "templates/vendor.mjs" not in zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_the_wheel_runs_where_the_project_is_not(wheel: Path, tmp_path: Path) -> None:
    """The libraries are those of this environment: what is proved is that ours are complete without the checkout."""
    venv.create(tmp_path / "empty", symlinks=True)
    site = next((tmp_path / "empty").glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = tmp_path / "empty/bin/python"
    environment = {"PATH": os.environ["PATH"], "FOURFOLD_DATA_DIR": str(tmp_path / "data")}

    def fourfold(*words: str) -> str:
        command = [str(python), "-P", "-m", "runtime", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "The database is at version" in fourfold("migrate")
    assert "can sign in" in fourfold("new-user", "Ada", "ada@example.com", "--admin")
    where = f"import runtime; assert runtime.__file__.startswith({str(tmp_path)!r}), runtime.__file__"
    subprocess.run([str(python), "-P", "-c", where], cwd=tmp_path, check=True)


def test_the_locks_hold_hashes_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-test.txt"):
        text = (ROOT / name).read_text()
        pinned = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE | re.IGNORECASE)
        assert len(pinned) > 40
        assert len(re.findall(r"==[^\n]*\\\n    --hash=sha256:", text)) == len(pinned)
        assert not re.search(r"https?://|--index-url|--find-links|file:", text)
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') >= 8


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = (ROOT / "requirements.txt").read_text().lower()
    for wanted in project["dependencies"]:
        name = re.split(r"[\[<>=]", wanted)[0]
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), f"{name} is not locked: make lock"
