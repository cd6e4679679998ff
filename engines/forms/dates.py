"""Reading dates and moments, strictly in ISO form."""

import re
from datetime import UTC, date, datetime
from typing import Any

from engines.forms.texts import wrong_type
from engines.values import ValueProblem

_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_moment = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)


def read_date(raw: Any) -> date | None:
    """Read YYYY-MM-DD; a day that is in no calendar is refused."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise wrong_type(raw, {"en": "a date such as 2026-03-09", "zh": "日期，例如 2026-03-09"})
    try:
        if not _day.match(raw):
            raise ValueError
        return date.fromisoformat(raw)
    except ValueError:
        message = {"en": f"“{raw[:40]}” is not a date", "zh": f"“{raw[:40]}”不是有效日期"}
        hint = {"en": "Write it as YYYY-MM-DD, for example 2026-03-09", "zh": "请按 YYYY-MM-DD 填写，例如 2026-03-09"}
        raise ValueProblem("bad_date", message, hint) from None


def read_moment(raw: Any) -> datetime | None:
    """Read an ISO date-time with a zone; what comes back is in UTC."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise wrong_type(
            raw, {"en": "a date and time such as 2026-03-09T14:30:00Z", "zh": "日期时间，例如 2026-03-09T14:30:00Z"}
        )
    try:
        if not _moment.match(raw):
            raise ValueError
        return datetime.fromisoformat(raw).astimezone(UTC)
    except (ValueError, OverflowError):
        message = {"en": f"“{raw[:40]}” is not a date and time", "zh": f"“{raw[:40]}”不是有效的日期时间"}
        hint = {
            "en": "Write it with its time zone, for example 2026-03-09T14:30:00Z or 2026-03-09T22:30:00+08:00",
            "zh": "请带上时区填写，例如 2026-03-09T14:30:00Z 或 2026-03-09T22:30:00+08:00",
        }
        raise ValueProblem("bad_datetime", message, hint) from None
