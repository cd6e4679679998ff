"""The commands as a person types them: check, test, import, export, demo, serve."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def fourfold(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PATH": os.environ["PATH"], "FOURFOLD_DATA_DIR": str(folder), **environment}
    command = [sys.executable, "-m", "runtime", *words]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300)


def test_an_app_is_checked_and_its_stories_are_told(tmp_path: Path) -> None:
    checked = fourfold("check", "examples/leave_app.json", folder=tmp_path)
    told = fourfold("test", "examples/leave_app.json", folder=tmp_path)

    assert checked.returncode == 0, checked.stderr
    assert "is in order" in checked.stdout
    assert told.returncode == 0, told.stdout + told.stderr
    assert "3 of 3 stories came true" in told.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 1, "app": "x", "app": "y"}', "duplicate_key"),
        ("{", "bad_json"),
        ("[]", ""),
        ('{"format": 1, "app": "x", "title": "X", "formz": []}', "formz"),
    ],
)
def test_a_malformed_app_is_refused_with_place_and_code(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "app.json"
    file.write_text(text)
    done = fourfold("check", str(file), folder=tmp_path)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_app_that_was_imported_comes_out_again(tmp_path: Path) -> None:
    fourfold("migrate", folder=tmp_path)
    imported = fourfold("import", "examples/leave_app.json", folder=tmp_path)
    assert imported.returncode == 0, imported.stderr
    assert "leave is live" in imported.stdout

    exported = fourfold("export", "leave", folder=tmp_path)
    written = json.loads(exported.stdout)
    again = tmp_path / "again.json"
    again.write_text(exported.stdout)
    assert written["app"] == "leave"
    assert fourfold("check", str(again), folder=tmp_path).returncode == 0
    assert fourfold("export", "nothing", folder=tmp_path).returncode == 1


@pytest.mark.slow
def test_the_demo_is_made_once_and_served(tmp_path: Path) -> None:
    fourfold("migrate", folder=tmp_path)
    made = fourfold("demo", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    passwords = dict(line.split()[:2] for line in made.stdout.splitlines() if "@demo.example" in line)
    assert len(passwords) > 10 and len(set(passwords.values())) == len(passwords)
    assert "in use" in fourfold("demo", folder=tmp_path).stdout

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "FOURFOLD_DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "runtime", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        assert f":{port}" in server.stdout.readline()
        body = json.dumps({"email": "li@demo.example", "password": passwords["li@demo.example"]}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/session", body, {"Content-Type": "application/json"}
        )
        assert patiently(request) == 201
        second = fourfold("serve", "--port", "0", folder=tmp_path)
        assert second.returncode == 78 and "Another Fourfold" in second.stderr
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.communicate()


def patiently(request: urllib.request.Request) -> int:
    """Ask until the server listens; the kernel makes us wait, not a sleep."""
    for _ in range(2000):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except ConnectionError:
            continue
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            select_a_moment()
    raise AssertionError("the server never listened")


def select_a_moment() -> None:
    """Give the starting server the processor for a twentieth of a second."""
    import select

    select.select([], [], [], 0.05)
