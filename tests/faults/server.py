"""Real server processes to kill, and a small client that says when it got no answer."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
ANSWER_SECONDS = 60


class NoAnswer(Exception):
    """The server went away; nobody knows whether it has done what was asked."""


@dataclass(frozen=True)
class Reply:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """One connection of one person; an API key is the sign-in."""

    def __init__(self, port: int, key: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        self._always = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def post(self, path: str, body: Any, key: str = "") -> Reply:
        """Send something to be done, once if it has an Idempotency-Key."""
        return self.send("POST", path, body, {"Idempotency-Key": key} if key else {})

    def patch(self, path: str, body: Any) -> Reply:
        return self.send("PATCH", path, body)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """Send and wait for the answer; NoAnswer when the server died meanwhile."""
        packed = None if body is None else json.dumps(body).encode()
        sent = {**self._always, **(headers or {}), "Content-Type": "application/json"}
        try:
            self._connection.request(method, path, packed, sent)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NoAnswer(str(error)) from error
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, said, json.loads(text) if text else None)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@dataclass
class Server:
    """`python -m runtime serve` on a database, with a worker inside unless told otherwise."""

    database_url: str
    folder: Path
    words: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"server-{self.port}.log"

    def start(self) -> "Server":
        """Start, and wait until it is ready to answer."""
        settings = {
            "FOURFOLD_DATABASE_URL": self.database_url,
            "FOURFOLD_DATA_DIR": str(self.folder),
            "FOURFOLD_REQUESTS_PER_SECOND": "10000",
            "FOURFOLD_REQUESTS_BURST": "10000",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "runtime", "serve", "--port", str(self.port), *self.words]
        with self.log.open("ab") as log:
            environment = {**os.environ, **settings, **self.settings}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)
        self._wait_until_ready()
        return self

    def client(self, key: str = "") -> Client:
        return Client(self.port, key)

    def said(self) -> str:
        """The end of what it wrote into its log, for whoever looks at a failure."""
        return self.log.read_text()[-6_000:]

    def kill(self) -> None:
        """kill -9: nothing is finished, nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process is not None and self.process.poll() is None, self.said()
            try:
                with self.client() as client:
                    if client.get("/readyz").status == 200:
                        return
            except NoAnswer:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {START_SECONDS} seconds: {self.said()}")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
