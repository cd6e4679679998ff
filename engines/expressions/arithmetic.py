"""Exact arithmetic over nullable decimals: what + - * / % and the orders mean, in every target."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from metadata.expressions import EvaluationError, limits

EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
ZERO = Decimal(0)
STEPS = tuple(Decimal(1).scaleb(-places) for places in range(limits.DECIMALS + 1))
SMALLEST = STEPS[limits.DECIMALS]

Number = Decimal | None


def add(left: Number, right: Number) -> Number:
    return None if left is None or right is None else EXACT.add(left, right)


def subtract(left: Number, right: Number) -> Number:
    return None if left is None or right is None else EXACT.subtract(left, right)


def multiply(left: Number, right: Number) -> Number:
    """The product, rounded to ten places, a half away from zero."""
    if left is None or right is None:
        return None
    return rounded(EXACT.multiply(left, right), limits.DECIMALS)


def divide(left: Number, right: Number) -> Number:
    """The quotient, rounded to ten places; by zero is blank."""
    if left is None or right is None or not right:
        return None
    return rounded(EXACT.divide(left, right), limits.DECIMALS)


def modulo(left: Number, right: Number) -> Number:
    """The remainder with the sign of the divisor, as spreadsheets have it; by zero is blank."""
    if left is None or right is None or not right:
        return None
    rest = EXACT.remainder(left, right)
    if rest and (rest < 0) != (right < 0):
        rest = EXACT.add(rest, right)
    return rest or ZERO


def negate(value: Number) -> Number:
    return None if value is None else EXACT.minus(value)


def rounded(value: Decimal, places: int) -> Decimal:
    """Round a half away from zero; what is exact already keeps its form."""
    if -int(value.as_tuple().exponent) > places:
        value = value.quantize(STEPS[places], context=EXACT)
    return value or ZERO


def equal(left: Any, right: Any) -> bool:
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    return left is not None and right is not None and bool(left < right)


def at_most(left: Any, right: Any) -> bool:
    return left is not None and right is not None and bool(left <= right)


def more(left: Any, right: Any) -> bool:
    return less(right, left)


def at_least(left: Any, right: Any) -> bool:
    return at_most(right, left)


def smallest(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def largest(*values: Any) -> Any:
    return max((value for value in values if value is not None), default=None)


def total(values: Iterable[Number]) -> Decimal:
    """The sum without the blanks; zero of nothing."""
    result = ZERO
    for value in values:
        if value is not None:
            result = EXACT.add(result, value)
    return result


def average(values: Iterable[Number]) -> Number:
    """The mean without the blanks; blank of nothing."""
    known = [value for value in values if value is not None]
    return divide(total(known), Decimal(len(known))) if known else None


def is_blank(value: Any) -> bool:
    return value is None or value == "" or value == () or value == []


def join(*texts: str) -> str:
    """Put texts together, unless the result would be too long."""
    require_length(sum(map(len, texts)))
    return "".join(texts)


def require_length(length: int) -> None:
    if length > limits.TEXT_RESULT:
        message = {
            "en": f"A text would be longer than {limits.TEXT_RESULT} characters",
            "zh": f"文本将超过 {limits.TEXT_RESULT} 个字符",
        }
        raise EvaluationError("text_too_long", message)


def plain(value: Decimal) -> str:
    """The number as people write it, without an exponent or idle zeros."""
    text = format(value or ZERO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
