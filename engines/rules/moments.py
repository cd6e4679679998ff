"""Offsets as people write them ("-7 day", "+24 hour"), and the moments they lead to."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import StringConstraints

Unit = Literal["minute", "hour", "day", "week", "month", "year"]

OffsetText = Annotated[str, StringConstraints(pattern=r"^[+-]?[0-9]{1,4} (minute|hour|day|week|month|year)s?$")]
TimeText = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

_written = re.compile(r"([+-]?)([0-9]+) ([a-z]+?)s?\Z")
_words = {
    "minute": ("minute", "分钟"),
    "hour": ("hour", "小时"),
    "day": ("day", "天"),
    "week": ("week", "周"),
    "month": ("month", "个月"),
    "year": ("year", "年"),
}
_lengths = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}


@dataclass(frozen=True)
class Offset:
    """So many units before (negative) or after a moment."""

    amount: int
    unit: str

    @property
    def is_calendar(self) -> bool:
        """Whether it counts days of the calendar (and keeps the time of day) rather than hours of the clock."""
        return self.unit in ("day", "week", "month", "year")

    @property
    def length(self) -> timedelta:
        return _lengths[self.unit] * self.amount

    @property
    def slack(self) -> timedelta:
        """By how much the length may be off, since months differ."""
        return timedelta(days=4 * abs(self.amount) + 4) if self.unit in ("month", "year") else timedelta(days=2)

    def say(self, language: str) -> str:
        english, chinese = _words[self.unit]
        amount = abs(self.amount)
        return f"{amount} {chinese}" if language == "zh" else f"{amount} {english}{'' if amount == 1 else 's'}"


def read_offset(text: str) -> Offset:
    """Read "-7 day"; the pattern of the option has made sure that it is one."""
    found = _written.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no offset")
    amount = int(found[2])
    return Offset(-amount if found[1] == "-" else amount, found[3])


def read_time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def moment_of(value: date | datetime, offset: Offset, at: time | None, zone: ZoneInfo) -> datetime:
    """The moment that an offset leads to, from a day or from a moment, at a time of day in the app's zone."""
    if not isinstance(value, datetime):
        local = datetime.combine(value, at or time(0), zone)
    elif offset.is_calendar:
        local = value.astimezone(zone)
        local = datetime.combine(local.date(), at or local.time(), zone)
    else:
        return value + offset.length
    if offset.is_calendar:
        return datetime.combine(_shift(local.date(), offset), local.time(), zone).astimezone(UTC)
    return local.astimezone(UTC) + offset.length


def values_between(
    since: datetime, until: datetime, offset: Offset, at: time | None, zone: ZoneInfo, day: bool
) -> tuple[date | datetime, date | datetime]:
    """The values, after the first and up to the second, whose moment may lie after `since` and up to `until`.

    Never too few of them, seldom too many; none at all where both are the same.
    """
    low, high = since - offset.length - offset.slack, until - offset.length + offset.slack
    if not day:
        return low, high
    if offset.unit in ("day", "week"):
        return _last_day(since, at, zone) - offset.length, _last_day(until, at, zone) - offset.length
    return low.astimezone(zone).date(), high.astimezone(zone).date()


def _last_day(moment: datetime, at: time | None, zone: ZoneInfo) -> date:
    """The last day whose time of day has come at a moment."""
    local = moment.astimezone(zone)
    return local.date() if local.time() >= (at or time(0)) else local.date() - timedelta(days=1)


def _shift(day: date, offset: Offset) -> date:
    if offset.unit in ("day", "week"):
        return day + offset.length
    months = offset.amount * (12 if offset.unit == "year" else 1)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
