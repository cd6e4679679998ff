"""DBOS behind a port: it carries the keys of our jobs and is used for nothing else.

A workflow is one call of `queue.perform` with a key. Inside a write transaction of ours nothing of it is called but
`enqueue_in_transaction`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy import Connection

from runtime.db.refusals import DatabaseBusy
from runtime.jobs import queue

if TYPE_CHECKING:
    from runtime.services import Services

NAME = "fourfold"
QUEUE = "jobs"
WORKFLOW = "perform_job"
VERSION = "1"  # constant, or DBOS would leave the jobs of an older release behind; payloads carry their own version
BUSY_TRIES = 5

_perform: "_Perform | None" = None


@dataclass
class DbosQueue:
    """Puts jobs into DBOS's queue, in the transaction that makes them."""

    client: DBOSClient

    def put(self, connection: Connection, key: str, turn: int, delay_seconds: float) -> None:
        options: dict[str, Any] = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": f"{key}#{turn}",
            "app_version": VERSION,
        }
        if delay_seconds > 0:
            options["delay_seconds"] = delay_seconds
        self.client.enqueue_in_transaction(connection, options, key)  # type: ignore[arg-type]


@dataclass
class _Perform:
    """What the one workflow needs to know; DBOS is one to a process, and so is this."""

    services: "Services"

    def __call__(self, key: str) -> None:
        for patience in range(BUSY_TRIES, -1, -1):
            try:
                queue.perform(self.services, key)
                return
            except DatabaseBusy:  # nothing was claimed; somebody writes a lot at once, as an import does
                if not patience:
                    raise


def prepare(services: "Services") -> None:
    """Make DBOS's own tables, where they are missing; for `migrate` and before a first `connect`."""
    from dbos import run_dbos_database_migrations

    run_dbos_database_migrations(_address(services))


def launch(services: "Services", executor: str) -> None:
    """Begin to perform jobs in this process."""
    global _perform
    _perform = _Perform(services)
    settings = services.settings
    DBOS(
        config={
            "name": NAME,
            "system_database_url": _address(services),
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
        }
    )
    DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)(_run)
    DBOS.launch()
    interval = 0.1 if services.database.is_sqlite else 0.05
    DBOS.register_queue(QUEUE, worker_concurrency=settings.job_threads, polling_interval_sec=interval)


def close() -> None:
    """End after the jobs at hand."""
    DBOS.destroy(workflow_completion_timeout_sec=5)


def _run(key: str) -> None:
    assert _perform is not None
    _perform(key)


def client_of(services: "Services") -> DBOSClient:
    """What puts jobs into the queue, and looks for them there."""
    return DBOSClient(
        system_database_url=_address(services), serializer=DBOSPortableJSONSerializer(), application_name=NAME
    )


def _address(services: "Services") -> str:
    """The same database, as DBOS writes its address."""
    return services.settings.database.replace("postgresql+psycopg://", "postgresql://", 1)
