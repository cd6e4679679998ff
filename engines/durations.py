"""Lengths of time as an author writes them: "30 minutes", "2 days", "1 week"."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_CHINESE = {"minute": "分钟", "hour": "小时", "day": "天", "week": "周"}
PATTERN = r"^[1-9][0-9]{0,3} (minute|hour|day|week)s?$"
_WRITTEN = re.compile(r"([1-9][0-9]{0,3}) (minute|hour|day|week)s?\Z")
_BAD = {"en": "This is no length of time", "zh": "这不是有效的时长"}
_HINT = {
    "en": "Write it as “30 minutes”, “4 hours”, “2 days” or “1 week”",
    "zh": "请写成 30 minutes、4 hours、2 days 或 1 week",
}


def read_duration(text: str) -> timedelta:
    """Give the length of time.

    >>> read_duration("2 days")
    datetime.timedelta(days=2)
    """
    amount, unit = _parts(text)
    return _LENGTHS[unit] * amount


def say_duration(text: str, language: str) -> str:
    """Say the length of time in the language.

    >>> say_duration("2 day", "zh"), say_duration("2 day", "en")
    ('2 天', '2 days')
    """
    amount, unit = _parts(text)
    if language == "zh":
        return f"{amount} {_CHINESE[unit]}"
    return f"{amount} {unit}{'' if amount == 1 else 's'}"


def _parts(text: str) -> tuple[int, str]:
    match = _WRITTEN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no length of time")
    return int(match[1]), match[2]


def _checked(text: str) -> str:
    try:
        _parts(text)
    except ValueError:
        raise PydanticCustomError("bad_duration", _BAD["en"], {"zh": _BAD["zh"], "hint": _HINT}) from None
    return text


Duration = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "pattern": PATTERN})]
