"""Reading numbers: exact decimals of at most 15 digits, within what the field allows."""

import math
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from engines.columns import MOST_DECIMALS
from engines.forms.texts import wrong_type
from engines.json_values import plain_number
from engines.values import ValueProblem
from metadata.problems import ROOT, Problem
from metadata.registry import Options

MOST_DIGITS = 15
NUMBER = {"en": "a number", "zh": "数字"}


def _exact(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal) or not math.isfinite(raw):
        raise ValueError("must be a number")
    return Decimal(str(raw))


Numeral = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(plain_number, return_type=int | float),
    WithJsonSchema({"type": "number"}),
]
"""A number in a kind's options: any JSON number, kept exactly."""


class NumberOptions(Options):
    """What every kind of number can be told: its decimals and its bounds."""

    decimals: int = Field(default=4, ge=0, le=MOST_DECIMALS)
    min: Numeral | None = None
    max: Numeral | None = None


def read_number(raw: Any, options: NumberOptions) -> Decimal | None:
    """Read a JSON number exactly; refuse more digits than fit, and what lies out of bounds."""
    if raw is None:
        return None
    value = _finite(raw)
    if -int(value.normalize().as_tuple().exponent) > options.decimals:
        raise ValueProblem(
            "too_many_decimals",
            {"en": f"At most {options.decimals} digits after the point", "zh": f"小数位数最多 {options.decimals} 位"},
            limit={"name": "decimals", "max": options.decimals},
        )
    value = fit(value, options.decimals)
    _check_bounds(value, options.min, options.max)
    return value


def bound_problems(options: NumberOptions) -> Iterator[Problem]:
    """Bounds that no value of the field could have itself: too many digits before or after the point."""
    unbounded = NumberOptions(decimals=options.decimals)
    for key in ("min", "max"):
        try:
            read_number(getattr(options, key), unbounded)
        except ValueProblem as problem:
            yield problem.at(ROOT / key)


def fit(value: Decimal | int, decimals: int) -> Decimal:
    """Round half up to the decimals of a field; refuse what has more than 15 digits then."""
    value = Decimal(value)  # a count is a plain integer
    digits_before = value.adjusted() + 1 if value else 0
    if digits_before > MOST_DIGITS - decimals:
        raise ValueProblem(
            "too_large",
            {
                "en": f"This number is too large: {MOST_DIGITS - decimals} digits before the point are kept here",
                "zh": f"数字过大：此处整数部分最多 {MOST_DIGITS - decimals} 位",
            },
            limit={"name": "digits", "max": MOST_DIGITS - decimals, "actual": digits_before},
        )
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return rounded or Decimal(0)


def _check_bounds(value: Decimal, least: Decimal | None, most: Decimal | None) -> None:
    if least is not None and value < least:
        raise ValueProblem(
            "too_small",
            {"en": f"This must be at least {least}", "zh": f"不能小于 {least}"},
            limit={"name": "value", "min": plain_number(least), "actual": plain_number(value)},
        )
    if most is not None and value > most:
        raise ValueProblem(
            "too_large",
            {"en": f"This must be at most {most}", "zh": f"不能大于 {most}"},
            limit={"name": "value", "max": plain_number(most), "actual": plain_number(value)},
        )


def _finite(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise wrong_type(raw, NUMBER)
    value = _decimal(raw)
    if not value.is_finite():
        raise ValueProblem("not_a_number", {"en": "This is not a finite number", "zh": "这不是有效的数字"})
    return value


def _decimal(raw: int | float | Decimal) -> Decimal:
    try:
        return raw if isinstance(raw, Decimal) else Decimal(str(raw))
    except (InvalidOperation, ValueError):  # an integer of thousands of digits
        raise ValueProblem("too_large", {"en": "This number is too large", "zh": "数字过大"}) from None
