"""What comes in with a request, read strictly: ids and versions as text, the keys of a body and what they hold."""

from datetime import UTC, datetime
from typing import Any

from engines.json_values import id_in
from metadata.problems import Invalid, Path, Problem, nearest

LONGEST_NUMBER = 9  # digits of a version or a page
BEFORE_ALL_RECORDS = datetime(1970, 1, 1, tzinfo=UTC)  # earlier moments have no day in some zones


def id_or(text: str, missing: Exception) -> int:
    """The id that stands in an address; anything else leads nowhere, as the given exception says."""
    id = id_in(text)
    if id is None:
        raise missing
    return id


def number_in(text: Any) -> int | None:
    """The small whole number (a version, a page) that a text of a page's form is; None for anything else."""
    text = str(text)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def moment_in(text: str | None) -> datetime | None:
    """The moment that `as_of` names; None where nothing is said."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return max(moment, BEFORE_ALL_RECORDS).astimezone(UTC)
    except (ValueError, OverflowError):
        message = {"en": f"“{text}” is no moment", "zh": f"“{text}”不是有效的时间"}
        hint = {"en": "Write it in UTC, as 2026-03-09T14:30:00Z", "zh": "请使用 UTC 时间，例如 2026-03-09T14:30:00Z"}
        raise Invalid(Problem(Path(("as_of",)), "bad_moment", message, hint)) from None


def known_keys(body: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """The body, if it holds nothing else than these keys."""
    unknown = [
        Problem(
            Path((key,)),
            "unknown_key",
            {"en": f"“{key[:60]}” means nothing here", "zh": f"此处不能使用“{key[:60]}”"},
            nearest(key, known),
        )
        for key in body
        if key not in known
    ]
    if unknown:
        raise Invalid(*unknown)
    return body


def text_of(body: dict[str, Any], key: str) -> str:
    """The text under a key; empty where there is none."""
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(Problem(Path((key,)), "wrong_type", {"en": "This must be text", "zh": "此处须为文本"}))
    return value


def whole_number(body: dict[str, Any], key: str) -> int | None:
    """The whole number under a key; None where there is none."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        message = {"en": "This must be a whole number", "zh": "此处须为整数"}
        raise Invalid(Problem(Path((key,)), "wrong_type", message))
    return value


def values_of(body: dict[str, Any]) -> dict[str, Any]:
    """The fields to write, by name."""
    values = body.get("values")
    if not isinstance(values, dict):
        message = {"en": "“values” must be an object with the fields to write", "zh": "“values”须为包含字段内容的对象"}
        raise Invalid(Problem(Path(("values",)), "object_expected", message))
    return values
