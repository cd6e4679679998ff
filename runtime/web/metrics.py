"""Counts for whoever watches the installation, in the text format that monitoring systems read."""

import math
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from metadata.problems import Refusal
from runtime.db.engine import Database
from runtime.totals import late_totals, nightly_check

STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def _asked(database: Database, count: Callable[[Connection], int]) -> float:
    """A count that the database keeps; no number while it does not answer."""
    try:
        with database.read() as connection:
            return float(count(connection))
    except (SQLAlchemyError, Refusal):
        return math.nan


class Metrics:
    """The counters of one server."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "fourfold_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "fourfold_request_seconds", "Time to answer", ["route"], buckets=STEPS, registry=self.registry
        )
        connections = Gauge("fourfold_database_connections", "Connections in use", registry=self.registry)
        connections.set_function(lambda: float(database.engine.pool.checkedout()))  # type: ignore[attr-defined]
        late = Gauge("fourfold_late_totals", "Roll-ups that wait to be worked out", registry=self.registry)
        late.set_function(lambda: _asked(database, late_totals.waiting))
        drifted = Gauge("fourfold_drifted_totals", "Roll-ups ever found wrong at night", registry=self.registry)
        drifted.set_function(lambda: _asked(database, nightly_check.repaired))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything counted so far."""
        return generate_latest(self.registry)
