"""The start: from the command to ready, the memory at rest, and what the first list page weighs in a cold browser.

The sales example with its demo data on SQLite, web and worker in one process, as `make run` starts it.
"""

import gzip
import http.client
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from engines.actor import system
from runtime import transaction
from runtime.identity import sessions
from runtime.services import Services, open_services
from runtime.settings import Settings
from tests.benchmarks.ground import ROOT, Server, free_port, serving, tell

PAGE = "/apps/crm/forms/customer"
ASSET = re.compile(r"""(?:href|src)="(/static/[^"#]+|/favicon[^"]*)""")
IMPORT = re.compile(r"""(?:import|from)\s*\(?\s*["']([^"']+\.js)["']""")
STARTS = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"FOURFOLD_DATA_DIR": folder, "PYTHONPATH": str(ROOT)}
        for command in ("migrate", "demo"):
            subprocess.run(
                [sys.executable, "-m", "runtime", command], check=True, env=environment, stdout=subprocess.DEVNULL
            )
        services = open_services(Settings(_env_file=None, data_dir=Path(folder)))
        token = _session(services)
        services.close()
        for _ in range(STARTS):
            _start(token, environment)


def _session(services: Services) -> str:
    """A session of whoever sees most of the customers."""

    def work(tx: Any) -> str:
        role = services.apps.live(tx, "crm").role_ids
        people = tx.organisation.people.values()
        held = [each.id for each in people if role["sales_director"] in each.roles.get("crm", ())]
        return sessions.open_session(tx, held[0], "127.0.0.1", "benchmark", False).token

    return transaction.run(services, system("bench"), work)


def _start(token: str, environment: dict[str, str]) -> None:
    port, started = free_port(), time.monotonic()
    command = [sys.executable, "-m", "runtime", "serve", "--port", str(port)]
    with serving(command, port, token, **environment) as server:
        while _ready(server) != 200:
            time.sleep(0.02)
        ready, spent = time.monotonic() - started, server.cpu()
        time.sleep(3)
        idle = server.memory()
        requests, weight = _weigh(server)
        tell(f"ready after {ready:.2f} s by the clock, {spent:.2f} s of processor time (goal 3 s)")
        tell(f"  {idle:.0f} MB at rest (goal 180), {server.memory():.0f} MB after a page")
        tell(f"  a cold list page: {requests} requests (goal 12), {weight / 1000:.1f} KB over the wire (goal 80)")


def _ready(server: Server) -> int:
    try:
        return server.ask("GET", "/readyz")[0]
    except (OSError, http.client.HTTPException):
        server.connection.close()
        return 0


def _weigh(server: Server) -> tuple[int, int]:
    """Load the page and everything it names, scripts' imports too; count requests and gzipped bytes."""
    waiting, seen, weight = [PAGE], set[str](), 0
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        status, body, size = _fetch(server, path)
        assert status == 200, (path, status)
        weight += size
        content = body.decode(errors="replace")
        if path == PAGE:
            waiting += ASSET.findall(content)
        elif path.endswith(".js") and "/vendor/" not in path:
            waiting += [normpath(join(dirname(path), each)) for each in IMPORT.findall(content) if each[0] == "."]
    return len(seen), weight


def _fetch(server: Server, path: str) -> tuple[int, bytes, int]:
    server.connection.request("GET", path, headers={**server.headers, "Accept-Encoding": "gzip"})
    answer = server.connection.getresponse()
    body = answer.read()
    headers = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
    packed = answer.getheader("Content-Encoding") == "gzip"
    return answer.status, gzip.decompress(body) if packed else body, len(body) + headers


if __name__ == "__main__":
    main()
