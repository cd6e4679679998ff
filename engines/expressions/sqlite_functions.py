"""The functions that SQLite lacks, registered on every connection: exact decimals as text, and the library's own.

Every function is total: whatever it meets, it answers a value or NULL, so that no row can make a statement fail.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from engines.columns import DIGITS
from engines.expressions import arithmetic
from engines.expressions.function_kind import FunctionKind
from engines.expressions.standard import standard_functions

LARGEST = 2**63 - 1
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?")
zone_of = cache(ZoneInfo)


def register_sqlite_functions(dbapi_connection: Any) -> None:
    """Register them all; deterministic and total."""
    for name, count, function in _functions():
        dbapi_connection.create_function(name, count, function, deterministic=True)
    for name, aggregate in AGGREGATES.items():
        dbapi_connection.create_aggregate(name, 1, aggregate)


@cache
def _functions() -> tuple[tuple[str, int, Callable[..., Any]], ...]:
    steps = [
        ("ff_add", 2, _numeric(arithmetic.add)),
        ("ff_subtract", 2, _numeric(arithmetic.subtract)),
        ("ff_multiply", 2, _numeric(arithmetic.multiply)),
        ("ff_divide", 2, _numeric(arithmetic.divide)),
        ("ff_modulo", 2, _numeric(arithmetic.modulo)),
        ("ff_negate", 1, _numeric(arithmetic.negate)),
        ("ff_smallest_number", -1, _numeric(arithmetic.smallest)),
        ("ff_largest_number", -1, _numeric(arithmetic.largest)),
        ("ff_smallest_text", -1, arithmetic.smallest),
        ("ff_largest_text", -1, arithmetic.largest),
        ("ff_equal", 2, _equal),
        ("ff_compare", 2, _compare),
        ("ff_scale", 2, _scale),
        ("ff_unscale", 2, _unscale),
        ("ff_exact", 2, _exact),
        ("ff_sum_of", 3, _sum_of),
        ("ff_average_of", 4, _average_of),
    ]
    library = (_of_library(function) for function in standard_functions() if function.has_value)
    return tuple((name, count, _total(function)) for name, count, function in (*steps, *library))


def _total(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that answers NULL where it would raise: SQLite would fail the whole statement, telling of the row."""

    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except Exception:
            return None

    return call


# --- numbers ---


def number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def written(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _numeric(step: Callable[..., Any]) -> Callable[..., str | None]:
    def call(*args: Any) -> str | None:
        return written(step(*map(number, args)))

    return call


def _equal(left: Any, right: Any) -> int:
    return int(number(left) == number(right))


def _compare(left: Any, right: Any) -> int | None:
    if left is None or right is None:
        return None
    first, second = Decimal(left), Decimal(right)
    return (first > second) - (first < second)


def _scale(value: Any, decimals: int) -> int | None:
    """A decimal as the integer that a field of so many decimals stores; NULL when it does not fit."""
    if value is None:
        return None
    scaled = int(arithmetic.rounded(Decimal(value), decimals).scaleb(decimals, arithmetic.EXACT))
    return scaled if abs(scaled) <= LARGEST else None


def _unscale(value: int | None, decimals: int) -> str | None:
    return None if value is None else written(Decimal(value).scaleb(-decimals))


def _exact(text: str | None, decimals: int) -> int | None:
    """A number kept as text as the integer that a field of so many decimals stores; NULL unless it is exactly that."""
    if text is None or not PLAIN_NUMBER.fullmatch(text):
        return None
    scaled = Decimal(text).scaleb(decimals, arithmetic.EXACT)
    return int(scaled) if scaled == scaled.to_integral_value() and abs(scaled) < 10**DIGITS else None


def _sum_of(high: int | None, low: int | None, decimals: int) -> str:
    return written(_joined(high, low, decimals)) or "0"


def _average_of(high: int | None, low: int | None, count: int, decimals: int) -> str | None:
    return written(arithmetic.divide(_joined(high, low, decimals), Decimal(count)))


def _joined(high: int | None, low: int | None, decimals: int) -> Decimal:
    """A sum that was taken in two halves (see sqlite_writer)."""
    return Decimal(int(high or 0) * 1_000_000_000 + int(low or 0)).scaleb(-decimals, arithmetic.EXACT)


class _Running:
    """A running aggregate over decimals."""

    def __init__(self) -> None:
        self.values: list[Decimal | None] = []

    def step(self, value: Any) -> None:
        self.values.append(_total(number)(value))


class _Sum(_Running):
    def finalize(self) -> str | None:
        return written(arithmetic.total(self.values))


class _Average(_Running):
    def finalize(self) -> str | None:
        return written(arithmetic.average(self.values))


class _Smallest(_Running):
    def finalize(self) -> str | None:
        return written(arithmetic.smallest(*self.values))


class _Largest(_Running):
    def finalize(self) -> str | None:
        return written(arithmetic.largest(*self.values))


AGGREGATES = {"ff_sum": _Sum, "ff_avg": _Average, "ff_min": _Smallest, "ff_max": _Largest}


# --- the library ---


def _of_library(function: FunctionKind) -> tuple[str, int, Callable[..., Any]]:
    readers = [_reader(parameter.type.name if parameter.type else "") for parameter in function.parameters]
    readers += [zone_of if want == "zone" else _as_is for want in function.wants]
    write = WRITE.get(function.result.name, _as_is)

    def call(*args: Any) -> Any:
        return write(function.call(*(read(arg) for read, arg in zip(readers, args, strict=True))))

    return function.sqlite_name, len(readers), call


def _as_is(value: Any) -> Any:
    return value


def _reader(type_name: str) -> Callable[[Any], Any]:
    return READ.get(type_name, _as_is)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


READ: dict[str, Callable[[Any], Any]] = {"number": number, "date": _day, "datetime": _moment}
WRITE: dict[str, Callable[[Any], Any]] = {"number": written, "date": _iso, "yes_no": int}
