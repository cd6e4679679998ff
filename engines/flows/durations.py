"""Lengths of time as an author writes them: "30 minutes", "2 days", "1 week"."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_CHINESE = {"minute": "分钟", "hour": "小时", "day": "天", "week": "周"}
_WRITTEN = re.compile(r"(\d{1,4}) (minute|hour|day|week)s?\Z")
_BAD = {"en": "This is no length of time", "zh": "这不是有效的时长"}
_HINT = {
    "en": "Write it as “30 minutes”, “4 hours”, “2 days” or “1 week”",
    "zh": "请写成 30 minutes、4 hours、2 days 或 1 week",
}
PATTERN = r"^[0-9]{1,4} (minute|hour|day|week)s?$"


def read(text: str) -> timedelta:
    """Give the length of time.

    >>> read("2 days")
    datetime.timedelta(days=2)
    """
    match = _WRITTEN.match(text)
    if match is None or int(match[1]) == 0:
        raise ValueError(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def in_words(text: str, language: str) -> str:
    """Say the length of time in the language.

    >>> in_words("2 days", "zh")
    '2 天'
    """
    match = _WRITTEN.match(text)
    if match is None or language != "zh":
        return text
    return f"{match[1]} {_CHINESE[match[2]]}"


def _checked(text: str) -> str:
    try:
        read(text)
    except ValueError:
        raise PydanticCustomError("bad_duration", _BAD["en"], {"zh": _BAD["zh"], "hint": _HINT}) from None
    return text


Duration = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "pattern": PATTERN})]
