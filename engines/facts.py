"""What an engine knows, and what it answers when it has to know more."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engines.actor import Actor, system
from engines.organisation import Organisation

RecordKey = tuple[str, int]  # form id, record id
Values = Mapping[str, Any]  # by field id


@dataclass(frozen=True)
class Search:
    """Records that an action looks for: those of a form whose `link` leads to `record`, and that fulfil `where`.

    Found as they truly are, the oldest first, at most `limit`. `where` is a checked expression over the form.
    """

    form: str
    link: str | None = None
    record: int | None = None
    text: str = ""
    where: Any = field(default=None, compare=False)
    limit: int = 200


@dataclass(frozen=True)
class Needs:
    """The facts an engine lacks. The door fetches them, one query a kind, and asks again (at most four rounds).

    `records` are wanted as they truly are, `masked` as the actor sees them; `readable` asks whether the actor may
    read a record; `taken` asks whether another record of the form already holds a value (form, field, value);
    `numbers` asks for the next number of auto-number fields, by field id; `found` asks for records of other forms.
    """

    records: frozenset[RecordKey] = frozenset()
    masked: frozenset[RecordKey] = frozenset()
    readable: frozenset[RecordKey] = frozenset()
    taken: frozenset[tuple[str, str, Any]] = frozenset()
    numbers: frozenset[str] = frozenset()
    found: frozenset[Search] = frozenset()

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(
            self.records | other.records,
            self.masked | other.masked,
            self.readable | other.readable,
            self.taken | other.taken,
            self.numbers | other.numbers,
            self.found | other.found,
        )

    def __bool__(self) -> bool:
        return bool(self.records or self.masked or self.readable or self.taken or self.numbers or self.found)


@dataclass(frozen=True)
class Facts:
    """What an expression may read besides the record itself, at one moment, for one actor.

    A record that was looked for and is not there stands in `records` or `masked` as None.
    """

    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    zone: ZoneInfo = ZoneInfo("UTC")
    actor: Actor = field(default_factory=lambda: system("nobody"))
    organisation: Organisation = field(default_factory=Organisation)
    app: str = ""
    role_names: Mapping[str, str] = field(default_factory=dict)  # role id -> name, so that user.roles reads as written
    records: Mapping[RecordKey, Values | None] = field(default_factory=dict)
    masked: Mapping[RecordKey, Values | None] = field(default_factory=dict)
    readable: Mapping[RecordKey, bool] = field(default_factory=dict)
    taken: Mapping[tuple[str, str, Any], bool] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[Search, tuple[Values, ...]] = field(default_factory=dict)

    @cached_property
    def today(self) -> date:
        """The calendar day in the app's time zone; never the viewer's."""
        return self.now.astimezone(self.zone).date()

    def __or__(self, more: "Facts") -> "Facts":
        """Add what was fetched; the moment, the actor and the organisation stay."""
        return replace(
            self,
            records={**self.records, **more.records},
            masked={**self.masked, **more.masked},
            readable={**self.readable, **more.readable},
            taken={**self.taken, **more.taken},
            numbers={**self.numbers, **more.numbers},
            found={**self.found, **more.found},
        )
