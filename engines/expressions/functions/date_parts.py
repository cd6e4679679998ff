"""The parts of dates and date-times; the calendar day and the hour are those of the app's time zone."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, cast, extract, func

from engines.expressions.function_kind import FunctionKind
from metadata.expressions.building import WHOLE
from metadata.expressions.signatures import Parameter
from metadata.value_types import DATE, DATETIME

Column = ColumnElement[Any]
ONE_DATE = (Parameter("date", DATE),)
ONE_MOMENT = (Parameter("moment", DATETIME),)


class Year(FunctionKind):
    """Gives the year of a date.

    >>> YEAR("2026-03-02")
    2026
    """

    name = "YEAR"
    theme = "dates"
    title = {"en": "Year", "zh": "年"}
    chinese = "返回日期的年份。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 4

    def value(self, day: date) -> Decimal:
        return Decimal(day.year)

    def postgresql(self, day: Column) -> Column:
        return extract("year", day)

    def sqlite(self, day: Column) -> Column:
        return _date_part("%Y", day)


class Month(FunctionKind):
    """Gives the month of a date, 1 to 12.

    >>> MONTH("2026-03-02")
    3
    """

    name = "MONTH"
    theme = "dates"
    title = {"en": "Month", "zh": "月"}
    chinese = "返回日期的月份（1 到 12）。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 2

    def value(self, day: date) -> Decimal:
        return Decimal(day.month)

    def postgresql(self, day: Column) -> Column:
        return extract("month", day)

    def sqlite(self, day: Column) -> Column:
        return _date_part("%m", day)


class Day(FunctionKind):
    """Gives the day of the month of a date.

    >>> DAY("2026-03-02")
    2
    """

    name = "DAY"
    theme = "dates"
    title = {"en": "Day", "zh": "日"}
    chinese = "返回日期是当月的第几天。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 2

    def value(self, day: date) -> Decimal:
        return Decimal(day.day)

    def postgresql(self, day: Column) -> Column:
        return extract("day", day)

    def sqlite(self, day: Column) -> Column:
        return _date_part("%d", day)


class Hour(FunctionKind):
    """Gives the hour of a date-time in the app's time zone, 0 to 23.

    >>> HOUR(now)
    17
    """

    name = "HOUR"
    theme = "dates"
    title = {"en": "Hour", "zh": "时"}
    chinese = "返回日期时间在应用时区的小时（0 到 23）。"
    parameters = ONE_MOMENT
    result = WHOLE
    magnitude = 2
    wants = ("zone",)

    def value(self, moment: datetime, zone: ZoneInfo) -> Decimal:
        return Decimal(local(moment, zone).hour)

    def postgresql(self, moment: Column, zone: Column) -> Column:
        return extract("hour", func.timezone(zone, moment))


class Minute(FunctionKind):
    """Gives the minute of a date-time in the app's time zone, 0 to 59.

    >>> MINUTE(now)
    30
    """

    name = "MINUTE"
    theme = "dates"
    title = {"en": "Minute", "zh": "分"}
    chinese = "返回日期时间在应用时区的分钟（0 到 59）。"
    parameters = ONE_MOMENT
    result = WHOLE
    magnitude = 2
    wants = ("zone",)

    def value(self, moment: datetime, zone: ZoneInfo) -> Decimal:
        return Decimal(local(moment, zone).minute)

    def postgresql(self, moment: Column, zone: Column) -> Column:
        return extract("minute", func.timezone(zone, moment))


class Weekday(FunctionKind):
    """Gives the day of the week of a date: Monday is 1, Sunday is 7.

    >>> WEEKDAY("2026-03-02")
    1
    """

    name = "WEEKDAY"
    theme = "dates"
    title = {"en": "Day of the week", "zh": "星期"}
    chinese = "返回日期是星期几：星期一为 1，星期日为 7。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 1

    def value(self, day: date) -> Decimal:
        return Decimal(day.isoweekday())

    def postgresql(self, day: Column) -> Column:
        return extract("isodow", day)


class WeekNumber(FunctionKind):
    """Gives the number of the week in the year (ISO 8601).

    >>> WEEKNUM("2026-03-02")
    10
    """

    name = "WEEKNUM"
    theme = "dates"
    title = {"en": "Week of the year", "zh": "周数"}
    chinese = "返回日期在一年中的周数（ISO 8601）。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 2

    def value(self, day: date) -> Decimal:
        return Decimal(day.isocalendar().week)

    def postgresql(self, day: Column) -> Column:
        return extract("week", day)


class Quarter(FunctionKind):
    """Gives the quarter of a date, 1 to 4.

    >>> QUARTER("2026-03-02")
    1
    """

    name = "QUARTER"
    theme = "dates"
    title = {"en": "Quarter", "zh": "季度"}
    chinese = "返回日期所在的季度（1 到 4）。"
    parameters = ONE_DATE
    result = WHOLE
    magnitude = 1

    def value(self, day: date) -> Decimal:
        return Decimal((day.month + 2) // 3)

    def postgresql(self, day: Column) -> Column:
        return extract("quarter", day)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment on the clock of a zone; at the ends of time it stays as it is."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _date_part(part: str, day: Column) -> Column:
    return cast(func.strftime(part, day), Integer)
