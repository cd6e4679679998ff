"""Texts."""

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, Numeric, Text, cast, func, literal
from sqlalchemy import case as sql_case

from engines.expressions.case_mapping import CaseMapped
from engines.expressions.function_kind import FunctionKind
from metadata.expressions import building, limits
from metadata.expressions.building import NUMBER, WHOLE
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import TEXT

Column = ColumnElement[Any]
ONE_TEXT = (Parameter("text", TEXT),)
BLANKS = " \t\r\n\u00a0\u3000"
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


def _count(number: Decimal) -> int:
    return max(0, min(int(number // 1) if number >= 0 else 0, limits.TEXT_RESULT))


def _sql_count(number: Column) -> Column:
    kept = func.greatest(0, func.least(func.floor(func.coalesce(number, 0)), limits.TEXT_RESULT))
    return cast(kept, Integer)
