"""Counts for whoever watches the installation, in the text format that monitoring systems read."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from runtime.db.engine import Database

STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


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

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything counted so far."""
        return generate_latest(self.registry)
