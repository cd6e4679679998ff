"""Dates and date-times. A date-time's calendar day and hour are those of the app's time zone."""

import calendar
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Integer, Numeric, and_, case, cast, extract, func, literal, or_

from engines.expressions.function_kind import FunctionKind
from engines.expressions.functions.date_parts import local
from metadata.expressions import building, fitting
from metadata.expressions.building import NUMBER, WHOLE
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import DATE, DATETIME, TEXT

Column = ColumnElement[Any]
ONE_DATE = (Parameter("date", DATE),)
ONE_MOMENT = (Parameter("moment", DATETIME),)
FIRST_DAY, LAST_DAY = date.min, date.max
FAR = 10_000_000
UNITS = ("days", "weeks", "months", "years")


class Today(FunctionKind):
    """Gives the present day in the app's time zone; the same as today.

    >>> TODAY()
    "2026-03-02"
    """

    name = "TODAY"
    theme = "dates"
    title = {"en": "Today", "zh": "今天"}
    chinese = "返回应用时区的当天日期，等同于 today。"
    result = DATE.as_volatile()

    def build(self, args: list[Node], column: int) -> Node:
        self.fitted(args, column)
        return Node("call", self.result, (), self.name, column=column)


class Now(FunctionKind):
    """Gives the present moment; the same as now.

    >>> NOW() == now
    true
    """

    name = "NOW"
    theme = "dates"
    title = {"en": "Now", "zh": "现在"}
    chinese = "返回当前时刻，等同于 now。"
    result = DATETIME.as_volatile()

    def build(self, args: list[Node], column: int) -> Node:
        self.fitted(args, column)
        return Node("call", self.result, (), self.name, column=column)


class MakeDate(FunctionKind):
    """Makes a date of year, month and day; blank when there is no such day.

    >>> DATE(2026, 2, 28)
    "2026-02-28"
    >>> DATE(2026, 2, 30)
    null
    """

    name = "DATE"
    repeats = 6
    theme = "dates"
    title = {"en": "Date", "zh": "日期"}
    chinese = "由年、月、日组成日期；日期不存在时为空。"
    parameters = (Parameter("year", NUMBER), Parameter("month", NUMBER), Parameter("day", NUMBER))
    result = DATE

    def value(self, year: Decimal, month: Decimal, day: Decimal) -> date | None:
        if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31):
            return None
        numbers = int(year), int(month), int(day)
        return date(*numbers) if numbers[2] <= calendar.monthrange(*numbers[:2])[1] else None

    def postgresql(self, year: Column, month: Column, day: Column) -> Column:
        whole = and_(year.between(1, 9999), month.between(1, 12), day.between(1, 31))
        first = func.make_date(*(cast(case((whole, func.floor(part))), Integer) for part in (year, month)), 1)
        made = first + cast(case((whole, func.floor(day))), Integer) - 1
        return case((extract("month", made) == extract("month", first), cast(made, Date)))


class ToDate(FunctionKind):
    """Gives the calendar day of a date-time in the app's time zone.

    >>> TODATE(now)
    "2026-03-02"
    """

    name = "TODATE"
    theme = "dates"
    title = {"en": "Day of a date-time", "zh": "取日期"}
    chinese = "返回日期时间在应用时区的日期。"
    aliases = ("DATEVALUE",)
    parameters = ONE_MOMENT
    result = DATE
    wants = ("zone",)

    def build(self, args: list[Node], column: int) -> Node:
        if len(args) == 1 and args[0].type.name in ("date", "text"):
            return fitting.need(args[0], DATE)
        return super().build(args, column)

    def value(self, moment: datetime, zone: ZoneInfo) -> date | None:
        return local(moment, zone).date()

    def postgresql(self, moment: Column, zone: Column) -> Column:
        return cast(func.timezone(zone, moment), Date)


class DateAdd(FunctionKind):
    """Moves a date by so many days, weeks, months or years; a month's end is kept.

    >>> DATEADD("2026-01-31", 1, "months")
    "2026-02-28"
    >>> DATEADD("2026-03-02", -1)
    "2026-03-01"
    """

    name = "DATEADD"
    repeats = 6
    theme = "dates"
    title = {"en": "Move a date", "zh": "日期加减"}
    chinese = "将日期前后移动若干天、周、月或年；月末保持在月末。"
    parameters = (
        Parameter("date", DATE),
        Parameter("number", NUMBER),
        Parameter("unit", TEXT, default="days", constant=True, choices=UNITS),
    )
    result = DATE

    def value(self, day: date, number: Decimal, unit: str) -> date | None:
        if abs(number) >= FAR:
            return None
        steps = int(number // 1) if number >= 0 else -int(-number // 1) - (number % 1 != 0)
        if unit in ("days", "weeks"):
            ordinal = day.toordinal() + steps * (7 if unit == "weeks" else 1)
            return date.fromordinal(ordinal) if 1 <= ordinal <= LAST_DAY.toordinal() else None
        return _move_months(day, steps * (12 if unit == "years" else 1))

    def postgresql(self, day: Column, number: Column, unit: str) -> Column:
        small = func.abs(number) < FAR
        steps = func.floor(number) * {"weeks": 7, "years": 12}.get(unit, 1)
        if unit in ("days", "weeks"):
            before, after = (literal(end, Date()).op("-")(day) for end in (FIRST_DAY, LAST_DAY))
            inside = and_(small, steps >= before, steps <= after)
            return case((inside, cast(day + cast(case((inside, steps)), Integer), Date)))
        months = extract("year", day) * 12 + extract("month", day) - 1 + steps
        inside = and_(small, months >= 12, months <= 119_999)
        moved = day + func.make_interval(0, cast(case((inside, steps)), Integer))
        return case((inside, cast(moved, Date)))


class MoveMonths(FunctionKind):
    """Moves a date by so many months; the same as DATEADD(date, number, "months").

    >>> EDATE("2026-01-31", 1)
    "2026-02-28"
    """

    name = "EDATE"
    theme = "dates"
    title = {"en": "Move by months", "zh": "按月加减"}
    chinese = '将日期前后移动若干个月，等同于 DATEADD(日期，数量，"months")。'
    aliases = ("ADDMONTHS",)
    parameters = (Parameter("date", DATE), Parameter("number", NUMBER))

    def build(self, args: list[Node], column: int) -> Node:
        return DateAdd().build([*self.fitted(args, column), building.literal("months", column)], column)


class MoveDays(FunctionKind):
    """Moves a date by so many days; the same as writing date + number.

    >>> DATEDELTA("2026-03-02", 7)
    "2026-03-09"
    """

    name = "DATEDELTA"
    theme = "dates"
    title = {"en": "Move by days", "zh": "按天加减"}
    chinese = "将日期前后移动若干天，等同于 日期 + 数量。"
    parameters = (Parameter("date", DATE), Parameter("number", NUMBER))

    def build(self, args: list[Node], column: int) -> Node:
        return DateAdd().build(self.fitted(args, column), column)


class DaysBetween(FunctionKind):
    """Counts the days from one date to another; the same as end - start.

    >>> DAYS_BETWEEN("2026-03-02", "2026-03-09")
    7
    """

    name = "DAYS_BETWEEN"
    theme = "dates"
    title = {"en": "Days between", "zh": "间隔天数"}
    chinese = "返回从一个日期到另一个日期的天数，等同于 结束 - 开始。"
    parameters = (Parameter("start", DATE), Parameter("end", DATE))
    result = WHOLE
    magnitude = building.DAYS

    def value(self, start: date, end: date) -> Decimal:
        return Decimal((end - start).days)

    def postgresql(self, start: Column, end: Column) -> Column:
        return cast(end.op("-")(start), Numeric)

    def sqlite(self, start: Column, end: Column) -> Column:
        return cast(func.julianday(end) - func.julianday(start), Integer)


class DaysSince(FunctionKind):
    """Counts the days from a date until today.

    >>> DAYS_SINCE("2026-02-27")
    3
    """

    name = "DAYS_SINCE"
    theme = "dates"
    title = {"en": "Days since", "zh": "距今天数"}
    chinese = "返回从某日期到今天的天数。"
    parameters = ONE_DATE
    result = WHOLE

    def build(self, args: list[Node], column: int) -> Node:
        start = self.fitted(args, column)[0]
        today = Node("call", Today.result, (), Today.name, column=column)
        return Node("call", WHOLE, (start, today), DaysBetween.name, building.DAYS, column)


class DateDifference(FunctionKind):
    """Counts the whole days, months or years from one date to another.

    >>> DATEDIF("2024-05-20", "2026-03-02", "months")
    21
    """

    name = "DATEDIF"
    repeats = 10
    theme = "dates"
    title = {"en": "Date difference", "zh": "日期差"}
    chinese = "返回两个日期之间相差的整天数、整月数或整年数。"
    parameters = (
        Parameter("start", DATE),
        Parameter("end", DATE),
        Parameter("unit", TEXT, default="days", constant=True, choices=("days", "months", "years")),
    )
    result = WHOLE
    magnitude = building.DAYS

    def value(self, start: date, end: date, unit: str) -> Decimal:
        if unit == "days":
            return Decimal((end - start).days)
        months = _whole_months(start, end) if end >= start else -_whole_months(end, start)
        return Decimal(months if unit == "months" else int(months / 12))

    def postgresql(self, start: Column, end: Column, unit: str) -> Column:
        if unit == "days":
            return cast(end.op("-")(start), Numeric)
        first, last = func.least(start, end), func.greatest(start, end)
        whole = (
            (extract("year", last) - extract("year", first)) * 12
            + extract("month", last)
            - extract("month", first)
            - case((extract("day", last) < extract("day", first), 1), else_=0)
        )
        signed = case((or_(start.is_(None), end.is_(None)), None), (end >= start, whole), else_=-whole)
        return func.trunc(signed / 12) if unit == "years" else signed


def _move_months(day: date, months: int) -> date | None:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _whole_months(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
