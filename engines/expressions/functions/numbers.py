"""Numbers."""

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_UP, Decimal
from typing import Any

from sqlalchemy import ColumnElement, Numeric, case, cast, func, literal

from engines.expressions.arithmetic import EXACT, SMALLEST, STEPS, ZERO, rounded
from engines.expressions.function_kind import FunctionKind
from metadata.expressions import building, limits
from metadata.expressions.building import NUMBER, WHOLE
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import TEXT, ValueType, number

Column = ColumnElement[Any]
ONE_NUMBER = (Parameter("number", NUMBER),)
PLACES = Parameter("places", WHOLE, default=0, constant=True, least=0, most=limits.DECIMALS)
WRITTEN_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
BLANKS = " \t\r\n\u00a0\u3000"


def _places(args: Sequence[Node]) -> ValueType:
    return number(int(args[1].value))


class Round(FunctionKind):
    """Rounds to so many decimal places, a half away from zero.

    >>> ROUND(2.5)
    3
    >>> ROUND(1.005, 2)
    1.01
    """

    name = "ROUND"
    theme = "numbers"
    title = {"en": "Round", "zh": "四舍五入"}
    chinese = "按小数位数四舍五入（五远离零方向进位）。"
    parameters = (Parameter("number", NUMBER), PLACES)
    result = NUMBER

    def result_of(self, args: Sequence[Node]) -> ValueType:
        return _places(args)

    def value(self, value: Decimal, places: Decimal) -> Decimal:
        return rounded(value, int(places))

    def postgresql(self, value: Column, places: int) -> Column:
        return func.round(value, places)


class RoundUp(FunctionKind):
    """Rounds to so many decimal places, away from zero.

    >>> ROUNDUP(2.01)
    3
    >>> ROUNDUP(-2.011, 2)
    -2.02
    """

    name = "ROUNDUP"
    repeats = 2
    theme = "numbers"
    title = {"en": "Round up", "zh": "向上舍入"}
    chinese = "按小数位数向远离零的方向舍入。"
    parameters = (Parameter("number", NUMBER), PLACES)
    result = NUMBER

    def result_of(self, args: Sequence[Node]) -> ValueType:
        return _places(args)

    def value(self, value: Decimal, places: Decimal) -> Decimal:
        return _quantized(value, int(places), ROUND_UP)

    def postgresql(self, value: Column, places: int) -> Column:
        up, down = (cast(literal(Decimal(1).scaleb(power), Numeric()), Numeric) for power in (places, -places))
        return func.sign(value) * func.ceil(func.abs(value) * up) * down


class RoundDown(FunctionKind):
    """Rounds to so many decimal places, towards zero.

    >>> ROUNDDOWN(2.99)
    2
    >>> ROUNDDOWN(-2.019, 2)
    -2.01
    """

    name = "ROUNDDOWN"
    theme = "numbers"
    title = {"en": "Round down", "zh": "向下舍入"}
    chinese = "按小数位数向零的方向舍去。"
    parameters = (Parameter("number", NUMBER), PLACES)
    result = NUMBER

    def result_of(self, args: Sequence[Node]) -> ValueType:
        return _places(args)

    def value(self, value: Decimal, places: Decimal) -> Decimal:
        return _quantized(value, int(places), ROUND_DOWN)

    def postgresql(self, value: Column, places: int) -> Column:
        return func.trunc(value, places)


class Floor(FunctionKind):
    """Gives the largest whole number that is not above the number.

    >>> FLOOR(2.7)
    2
    >>> FLOOR(-2.1)
    -3
    """

    name = "FLOOR"
    theme = "numbers"
    title = {"en": "Floor", "zh": "向下取整"}
    chinese = "返回不大于该数的最大整数。"
    aliases = ("INT",)
    parameters = ONE_NUMBER
    result = WHOLE

    def value(self, value: Decimal) -> Decimal:
        return _quantized(value, 0, ROUND_FLOOR)

    def postgresql(self, value: Column) -> Column:
        return func.floor(value)


class Ceiling(FunctionKind):
    """Gives the smallest whole number that is not below the number.

    >>> CEILING(2.1)
    3
    """

    name = "CEILING"
    theme = "numbers"
    title = {"en": "Ceiling", "zh": "向上取整"}
    chinese = "返回不小于该数的最小整数。"
    aliases = ("CEIL",)
    parameters = ONE_NUMBER
    result = WHOLE

    def value(self, value: Decimal) -> Decimal:
        return _quantized(value, 0, ROUND_CEILING)

    def postgresql(self, value: Column) -> Column:
        return func.ceil(value)


class Absolute(FunctionKind):
    """Gives the number without its sign.

    >>> ABS(-3)
    3
    """

    name = "ABS"
    theme = "numbers"
    title = {"en": "Absolute value", "zh": "绝对值"}
    chinese = "返回数字的绝对值。"
    parameters = ONE_NUMBER
    result = NUMBER

    def result_of(self, args: Sequence[Node]) -> ValueType:
        return args[0].type

    def value(self, value: Decimal) -> Decimal:
        return EXACT.abs(value)

    def postgresql(self, value: Column) -> Column:
        return func.abs(value)


class Modulo(FunctionKind):
    """Gives the remainder of a division, with the sign of the divisor; by zero is blank.

    >>> MOD(7, 3)
    1
    >>> MOD(-7, 3)
    2
    """

    name = "MOD"
    theme = "numbers"
    title = {"en": "Remainder", "zh": "取余"}
    chinese = "返回除法的余数，符号与除数相同；除数为零时为空。"
    parameters = (Parameter("number", NUMBER), Parameter("divisor", NUMBER))
    result = NUMBER

    def build(self, args: list[Node], column: int) -> Node:
        left, right = self.fitted(args, column)
        return building.arithmetic("%", left, right, column)


class Sign(FunctionKind):
    """Gives 1 for a number above zero, -1 below, and 0.

    >>> SIGN(-12.5)
    -1
    """

    name = "SIGN"
    theme = "numbers"
    title = {"en": "Sign", "zh": "正负号"}
    chinese = "正数返回 1，负数返回 -1，零返回 0。"
    parameters = ONE_NUMBER
    result = WHOLE
    magnitude = 1

    def value(self, value: Decimal) -> Decimal:
        return Decimal((value > 0) - (value < 0))

    def postgresql(self, value: Column) -> Column:
        return func.sign(value)


class Power(FunctionKind):
    """Multiplies a number with itself so many times, 1 to 10.

    >>> POWER(1.1, 2)
    1.21
    """

    name = "POWER"
    theme = "numbers"
    title = {"en": "Power", "zh": "乘方"}
    chinese = "返回数字的若干次方（1 到 10）。"
    parameters = (Parameter("number", NUMBER), Parameter("times", WHOLE, constant=True, least=1, most=10))
    result = NUMBER

    def build(self, args: list[Node], column: int) -> Node:
        factor, times = self.fitted(args, column)
        result = factor
        for _ in range(int(times.value) - 1):
            result = building.arithmetic("*", result, factor, column)
        return result


class SquareRoot(FunctionKind):
    """Gives the square root, rounded to ten places; blank for a negative number.

    >>> SQRT(9)
    3
    >>> SQRT(2)
    1.4142135624
    """

    name = "SQRT"
    repeats = 2
    theme = "numbers"
    title = {"en": "Square root", "zh": "平方根"}
    chinese = "返回平方根，保留十位小数；负数为空。"
    parameters = ONE_NUMBER
    result = NUMBER

    def value(self, value: Decimal) -> Decimal | None:
        if value < 0:
            return None
        return EXACT.sqrt(value).quantize(SMALLEST, context=EXACT) or ZERO

    def postgresql(self, value: Column) -> Column:
        exact = cast(case((value >= 0, value)), Numeric(100, 30))
        return func.round(func.sqrt(exact), limits.DECIMALS)


class Value(FunctionKind):
    """Reads a number from a text; blank when the text is no number.

    >>> VALUE("12.50")
    12.5
    >>> VALUE("twelve")
    null
    """

    name = "VALUE"
    repeats = 2
    theme = "numbers"
    title = {"en": "Number from text", "zh": "文本转数字"}
    chinese = "将文本转换为数字；文本不是数字时为空。"
    parameters = (Parameter("text", TEXT),)
    result = NUMBER
    magnitude = limits.DIGITS

    def value(self, text: str) -> Decimal | None:
        stripped = text.strip(BLANKS)
        return (Decimal(stripped) or ZERO) if WRITTEN_NUMBER.fullmatch(stripped) else None

    def postgresql(self, text: Column) -> Column:
        stripped = func.btrim(text, BLANKS)
        return cast(case((stripped.op("~")(f"^{WRITTEN_NUMBER.pattern}$"), stripped)), Numeric)


def _quantized(value: Decimal, places: int, rounding: str) -> Decimal:
    return value.quantize(STEPS[places], rounding=rounding, context=EXACT) or ZERO
