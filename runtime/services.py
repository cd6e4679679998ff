"""What every part of a running installation shares: composed once at start, passed on, never global."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from runtime.db.engine import Database, open_database
from runtime.organisation import OrganisationCache
from runtime.settings import Settings

if TYPE_CHECKING:
    from metadata.kinds import Kinds
    from runtime.apps import Apps
    from runtime.jobs import Queue
    from runtime.reading.slow_lists import SlowLists

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The moment it is outside."""
    return datetime.now(UTC)


@dataclass
class Services:
    """The settings, the database, the clock, the people and the apps of one installation."""

    settings: Settings
    database: Database
    clock: Clock = wall_clock
    organisations: OrganisationCache = field(default_factory=OrganisationCache)
    queue: "Queue | None" = None  # who carries jobs to workers; without one they wait for `jobs.run_due`
    lock: Lock = field(default_factory=Lock)
    answering: set[object] = field(default_factory=set)  # the idempotency keys this process answers right now

    @cached_property
    def slow_lists(self) -> "SlowLists":
        """What takes long, noted until it is written down."""
        from runtime.reading.slow_lists import SlowLists

        return SlowLists()

    @cached_property
    def kinds(self) -> "Kinds":
        """The registered kinds of the platform and its plug-ins."""
        from runtime import plugins

        return plugins.load()

    @cached_property
    def apps(self) -> "Apps":
        """The live apps, compiled."""
        from runtime.apps import Apps

        return Apps(self.kinds)

    def close(self) -> None:
        self.database.dispose()


def open_services(settings: Settings, clock: Clock = wall_clock) -> Services:
    """Compose an installation from its settings."""
    return Services(settings, open_database(settings.database), clock)
