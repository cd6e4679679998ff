"""Texts."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, Integer, Numeric, Text, cast, extract, func, literal, or_
from sqlalchemy import case as sql_case

from engines.expressions.arithmetic import EXACT as CONTEXT
from engines.expressions.arithmetic import STEPS, require_length
from engines.expressions.case_mapping import CaseMapped
from engines.expressions.function_kind import FunctionKind
from engines.expressions.not_pushable import NotPushable
from metadata.expressions import ExpressionError, building, fitting, limits
from metadata.expressions.building import NUMBER, WHOLE
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import DATE, DATETIME, TEXT, YES_NO

Column = ColumnElement[Any]
ONE_TEXT = (Parameter("text", TEXT),)
TWO_TEXTS = (Parameter("text", TEXT), Parameter("part", TEXT))
BLANKS = " \t\r\n\u00a0\u3000"
PATTERN_PARTS = ("YYYY", "MM", "DD", "HH", "mm")
PATTERN_SPLIT = re.compile("(YYYY|MM|DD|HH|mm)")
DIGITS = 7


class Concat(FunctionKind):
    """Puts texts together; the same as writing + or & between them.

    >>> CONCAT("a", "b", "c")
    "abc"
    """

    name = "CONCAT"
    theme = "text"
    title = {"en": "Join", "zh": "连接文本"}
    chinese = "把多个文本连接起来，等同于在文本之间写 + 或 &。"
    aliases = ("CONCATENATE",)
    parameters = ONE_TEXT
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        return building.join(self.fitted(args, column), column)


class Left(FunctionKind):
    """Gives the first characters of a text.

    >>> LEFT("Fourfold", 4)
    "Four"
    """

    name = "LEFT"
    theme = "text"
    title = {"en": "First characters", "zh": "左侧字符"}
    chinese = "返回文本开头的若干个字符。"
    parameters = (Parameter("text", TEXT), Parameter("count", NUMBER))
    result = TEXT

    def value(self, text: str, count: Decimal) -> str:
        return text[: _count(count)]

    def postgresql(self, text: Column, count: Column) -> Column:
        return func.left(text, _sql_count(count))


class Right(FunctionKind):
    """Gives the last characters of a text.

    >>> RIGHT("Fourfold", 4)
    "fold"
    """

    name = "RIGHT"
    theme = "text"
    title = {"en": "Last characters", "zh": "右侧字符"}
    chinese = "返回文本末尾的若干个字符。"
    parameters = (Parameter("text", TEXT), Parameter("count", NUMBER))
    result = TEXT

    def value(self, text: str, count: Decimal) -> str:
        wanted = _count(count)
        return text[-wanted:] if wanted else ""

    def postgresql(self, text: Column, count: Column) -> Column:
        return func.right(text, _sql_count(count))


class Middle(FunctionKind):
    """Gives characters from the middle of a text, from a position (the first is 1) and as many as wanted.

    >>> MID("Fourfold", 5, 3)
    "fol"
    """

    name = "MID"
    repeats = 2
    theme = "text"
    title = {"en": "Middle characters", "zh": "中间字符"}
    chinese = "从指定位置（首字符为 1）起返回若干个字符。"
    parameters = (Parameter("text", TEXT), Parameter("start", NUMBER), Parameter("count", NUMBER))
    result = TEXT

    def value(self, text: str, start: Decimal, count: Decimal) -> str:
        first = _count(start)
        return text[first - 1 : first - 1 + _count(count)] if first else ""

    def postgresql(self, text: Column, start: Column, count: Column) -> Column:
        first = _sql_count(start)
        return sql_case((first < 1, ""), else_=func.substr(text, first, _sql_count(count)))


class Length(FunctionKind):
    """Counts the characters of a text.

    >>> LEN("制造业")
    3
    """

    name = "LEN"
    theme = "text"
    title = {"en": "Length", "zh": "文本长度"}
    chinese = "返回文本的字符数。"
    parameters = ONE_TEXT
    result = WHOLE
    magnitude = DIGITS

    def value(self, text: str) -> Decimal:
        return Decimal(len(text))

    def postgresql(self, text: Column) -> Column:
        return cast(func.char_length(text), Numeric)

    def sqlite(self, text: Column) -> Column:
        return func.length(text)


class Upper(FunctionKind):
    """Writes a text in capitals.

    >>> UPPER("abc")
    "ABC"
    """

    name = "UPPER"
    theme = "text"
    title = {"en": "Capitals", "zh": "转大写"}
    chinese = "将文本转换为大写。"
    parameters = ONE_TEXT
    result = TEXT

    def value(self, text: str) -> str:
        return text.upper()

    def postgresql(self, text: Column) -> Column:
        return CaseMapped("upper", text)


class Lower(FunctionKind):
    """Writes a text in small letters.

    >>> LOWER("ABC")
    "abc"
    """

    name = "LOWER"
    theme = "text"
    title = {"en": "Small letters", "zh": "转小写"}
    chinese = "将文本转换为小写。"
    parameters = ONE_TEXT
    result = TEXT

    def value(self, text: str) -> str:
        return text.lower()

    def postgresql(self, text: Column) -> Column:
        return CaseMapped("lower", text)


class Trim(FunctionKind):
    """Takes the blanks off both ends of a text.

    >>> TRIM("  a b ")
    "a b"
    """

    name = "TRIM"
    theme = "text"
    title = {"en": "Trim", "zh": "去除空格"}
    chinese = "去掉文本首尾的空白。"
    parameters = ONE_TEXT
    result = TEXT

    def value(self, text: str) -> str:
        return text.strip(BLANKS)

    def postgresql(self, text: Column) -> Column:
        return func.btrim(text, literal(BLANKS, Text()))

    def sqlite(self, text: Column) -> Column:
        return func.trim(text, literal(BLANKS, Text()))


class Contains(FunctionKind):
    """Tells whether a text holds another one; capitals and small letters differ.

    >>> CONTAINS("Fourfold", "fold")
    true
    """

    name = "CONTAINS"
    theme = "text"
    title = {"en": "Contains", "zh": "包含文本"}
    chinese = "判断文本是否包含另一段文本，区分大小写。"
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return part in text

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.strpos(text, part) > 0

    def sqlite(self, text: Column, part: Column) -> Column:
        return func.instr(text, part) > 0


class StartsWith(FunctionKind):
    """Tells whether a text begins with another one.

    >>> STARTSWITH("Fourfold", "Four")
    true
    """

    name = "STARTSWITH"
    repeats = 2
    theme = "text"
    title = {"en": "Begins with", "zh": "开头是"}
    chinese = "判断文本是否以另一段文本开头。"
    aliases = ("BEGINS", "STARTS_WITH")
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return text.startswith(part)

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.starts_with(text, part)

    def sqlite(self, text: Column, part: Column) -> Column:
        return func.substr(text, 1, func.length(part)) == part


class EndsWith(FunctionKind):
    """Tells whether a text ends with another one.

    >>> ENDSWITH("Fourfold", "fold")
    true
    """

    name = "ENDSWITH"
    repeats = 2
    theme = "text"
    title = {"en": "Ends with", "zh": "结尾是"}
    chinese = "判断文本是否以另一段文本结尾。"
    aliases = ("ENDS_WITH",)
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return text.endswith(part)

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.right(text, func.char_length(part)) == part

    def sqlite(self, text: Column, part: Column) -> Column:
        return or_(part == "", func.substr(text, 0 - func.length(part)) == part)


class Find(FunctionKind):
    """Gives the position of a part within a text (the first is 1); 0 when it is not there.

    >>> FIND("fold", "Fourfold")
    5
    >>> FIND("x", "Fourfold")
    0
    """

    name = "FIND"
    theme = "text"
    title = {"en": "Position", "zh": "查找位置"}
    chinese = "返回一段文本在另一文本中的位置（首字符为 1），找不到时为 0。"
    aliases = ("SEARCH",)
    parameters = (Parameter("part", TEXT), Parameter("text", TEXT))
    result = WHOLE
    magnitude = DIGITS

    def value(self, part: str, text: str) -> Decimal:
        return Decimal(text.find(part) + 1)

    def postgresql(self, part: Column, text: Column) -> Column:
        return cast(func.strpos(text, part), Numeric)

    def sqlite(self, part: Column, text: Column) -> Column:
        return func.instr(text, part)


class Replace(FunctionKind):
    """Puts a new text in the place of every occurrence of an old one; the new text is written out.

    >>> REPLACE("a-b-c", "-", "+")
    "a+b+c"
    """

    name = "REPLACE"
    theme = "text"
    title = {"en": "Replace", "zh": "替换文本"}
    chinese = "将文本中的某段内容全部替换为新的内容。"
    aliases = ("SUBSTITUTE",)
    parameters = (Parameter("text", TEXT), Parameter("old", TEXT), Parameter("new", TEXT))
    result = TEXT

    def value(self, text: str, old: str, new: str) -> str:
        if not old:
            return text
        require_length(len(text) + text.count(old) * (len(new) - len(old)))
        return text.replace(old, new)

    def postgresql(self, text: Column, old: Column, new: Column) -> Column:
        return func.replace(text, old, _written_out(new))

    def sqlite(self, text: Column, old: Column, new: Column) -> Column:
        return func.replace(text, old, _written_out(new))


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


def _written_out(new: Column) -> Column:
    """A computed replacement could make a text of any size, before anybody could stop it."""
    if not isinstance(getattr(new, "clause", new), BindParameter):
        raise NotPushable(
            {
                "en": "REPLACE() with a computed text runs on the server",
                "zh": "REPLACE() 的替换内容为计算值时只能逐行计算",
            }
        )
    return new


def _unfilled(pattern: str) -> str:
    return PATTERN_SPLIT.sub("", pattern)


def _count(number: Decimal) -> int:
    return max(0, min(int(number // 1) if number >= 0 else 0, limits.TEXT_RESULT))


def _sql_count(number: Column) -> Column:
    kept = func.greatest(0, func.least(func.floor(func.coalesce(number, 0)), limits.TEXT_RESULT))
    return cast(kept, Integer)
