"""Numbers and dates written as texts."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, cast, extract, func, literal
from sqlalchemy import case as sql_case

from engines.expressions.arithmetic import EXACT as CONTEXT
from engines.expressions.arithmetic import STEPS
from engines.expressions.function_kind import FunctionKind
from metadata.expressions import ExpressionError, fitting, limits
from metadata.expressions.building import NUMBER, WHOLE
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import DATE, DATETIME, TEXT

Column = ColumnElement[Any]
PATTERN_PARTS = ("YYYY", "MM", "DD", "HH", "mm")
PATTERN_SPLIT = re.compile("(YYYY|MM|DD|HH|mm)")


class AsText(FunctionKind):
    """Writes a number with so many decimal places, or a date in a pattern of YYYY, MM, DD, HH and mm.

    >>> TEXT(1234.5, 2)
    "1234.50"
    >>> TEXT(DATE(2026, 3, 2), "DD.MM.YYYY")
    "02.03.2026"
    """

    name = "TEXT"
    theme = "text"
    title = {"en": "As text", "zh": "转为文本"}
    chinese = "将数字按小数位数、或将日期按 YYYY、MM、DD、HH、mm 组成的格式写成文本。"
    aliases = ("FIXED",)
    parameters = (Parameter("value"), Parameter("format", default=None))
    result = TEXT

    def build(self, args: list[Node], column: int) -> Node:
        given = self.fitted(args, column)
        if given[0].type.name == "number":
            return NumberText().build(args, column)
        if given[0].type.name == "datetime":
            return MomentText().build(args, column)
        if given[0].type.name == "date":
            return DateText().build(args, column)
        raise fitting.mismatch(given[0], {"en": "TEXT() takes a number or a date", "zh": "TEXT() 的参数应为数字或日期"})


class NumberText(FunctionKind):
    """Writes a number with so many decimal places."""

    name = "NUMBER_TEXT"
    theme = ""
    title = {"en": "Number as text", "zh": "数字转文本"}
    chinese = "将数字写成文本。"
    parameters = (
        Parameter("number", NUMBER),
        Parameter("places", WHOLE, default=0, constant=True, least=0, most=limits.DECIMALS),
    )
    result = TEXT

    def value(self, value: Decimal, places: Decimal) -> str:
        exact = value.quantize(STEPS[int(places)], context=CONTEXT)
        return format(exact if exact else abs(exact), "f")

    def postgresql(self, value: Column, places: int) -> Column:
        return func.coalesce(cast(func.round(value, places), Text), "")


class DateText(FunctionKind):
    """Writes a date in a pattern."""

    name = "DATE_TEXT"
    repeats = 6
    theme = ""
    title = {"en": "Date as text", "zh": "日期转文本"}
    chinese = "将日期按格式写成文本。"
    parameters = (Parameter("date", DATE), Parameter("pattern", TEXT, default="YYYY-MM-DD", constant=True))
    result = TEXT

    def build(self, args: list[Node], column: int) -> Node:
        node = super().build(args, column)
        pattern = node.args[1].value
        unknown = "".join(letter for letter in _unfilled(pattern) if letter.isascii() and letter.isalpha())
        if unknown:
            raise ExpressionError(
                "date_pattern",
                {"en": f"“{unknown}” means nothing in a date pattern", "zh": f"日期格式中的“{unknown}”没有含义"},
                node.args[1].column,
                {"en": "Use YYYY, MM, DD, HH and mm", "zh": "可用 YYYY、MM、DD、HH、mm"},
            )
        return node

    def value(self, value: date, pattern: str, **_: Any) -> str:
        return self.filled(value, pattern)

    def postgresql(self, day: Column, pattern: str) -> Column:
        hour = func.lpad("0", 2, "0")
        return _sql_filled(day, pattern, {"HH": hour, "mm": hour})

    def filled(self, value: date, pattern: str) -> str:
        filled = {
            "YYYY": f"{value.year:04}",
            "MM": f"{value.month:02}",
            "DD": f"{value.day:02}",
            "HH": "00",
            "mm": "00",
        }
        if isinstance(value, datetime):
            filled |= {"HH": f"{value.hour:02}", "mm": f"{value.minute:02}"}
        return PATTERN_SPLIT.sub(lambda part: filled[part.group()], pattern)


class MomentText(DateText):
    """Writes a date-time in a pattern, in the app's time zone."""

    name = "MOMENT_TEXT"
    repeats = 6
    theme = ""
    title = {"en": "Date-time as text", "zh": "日期时间转文本"}
    parameters = (
        Parameter("moment", DATETIME),
        Parameter("pattern", TEXT, default="YYYY-MM-DD HH:mm", constant=True),
    )
    wants = ("zone",)

    def postgresql(self, moment: Column, pattern: str, zone: Column | None = None) -> Column:
        local = func.timezone(zone, moment)
        more = {
            "HH": func.lpad(cast(extract("hour", local), Text), 2, "0"),
            "mm": func.lpad(cast(extract("minute", local), Text), 2, "0"),
        }
        return _sql_filled(local, pattern, more)

    def value(self, value: date, pattern: str, zone: ZoneInfo = ZoneInfo("UTC"), **_: Any) -> str:
        return self.filled(value.astimezone(zone) if isinstance(value, datetime) else value, pattern)


def _sql_filled(day: Column, pattern: str, more: Mapping[str, Column]) -> Column:
    """The pattern with its parts replaced by those of a date or local date-time; "" for a blank."""
    parts = {"YYYY": ("year", 4), "MM": ("month", 2), "DD": ("day", 2)}
    filled = {part: func.lpad(cast(extract(name, day), Text), width, "0") for part, (name, width) in parts.items()}
    pieces = [
        {**filled, **more}[piece] if piece in PATTERN_PARTS else literal(piece, Text())
        for piece in PATTERN_SPLIT.split(pattern)
        if piece
    ]
    written: Column = literal("", Text())
    for piece in pieces:
        written = written.concat(piece)
    return func.coalesce(sql_case((day.is_not(None), written)), "")


def _unfilled(pattern: str) -> str:
    return PATTERN_SPLIT.sub("", pattern)
