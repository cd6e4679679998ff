"""The order of a list, and cursors: where a page ended, so that the next one begins there."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from engines.relation.masked import Column
from metadata.problems import Invalid, Path, Problem
from metadata.value_types import ValueType

SORTABLE = ("text", "number", "yes_no", "date", "datetime", "member", "department", "link")


@dataclass(frozen=True)
class SortKey:
    """One column of the order, with the label under which its value stands in the rows."""

    label: str
    column: Column
    descending: bool
    type: ValueType

    @property
    def ordering(self) -> Any:
        """A blank is less than any value, on both databases: one index, read either way, serves both orders."""
        if not getattr(self.column, "nullable", True):
            return self.column.desc() if self.descending else self.column.asc()
        return self.column.desc().nulls_last() if self.descending else self.column.asc().nulls_first()

    def beyond(self, value: Any) -> Column | None:
        """What comes later than a value in this order; None where nothing can."""
        if value is None:
            return None if self.descending else self.column.is_not(None)
        bound = sa.literal(value, self.column.type)
        return sa.or_(self.column < bound, self.column.is_(None)) if self.descending else self.column > bound

    def equals(self, value: Any) -> Column:
        return self.column.is_(None) if value is None else self.column == sa.literal(value, self.column.type)


Order = tuple[SortKey, ...]


def after(order: Order, values: list[Any]) -> Column:
    """The records that come after these values in the order."""
    choices: list[Column] = []
    same: list[Column] = []
    for key, value in zip(order, values, strict=True):
        beyond = key.beyond(value)
        if beyond is not None:
            choices.append(sa.and_(*same, beyond))
        same.append(key.equals(value))
    return sa.or_(sa.false(), *choices)


def write_cursor(row: Mapping[str, Any], order: Order) -> str:
    """The place of a row, as text that nobody needs to understand."""
    plain = [_plain(row[key.label]) for key in order]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> list[Any]:
    """The values of a place; a cursor of another order, or none of ours, is refused."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(plain, list) or len(plain) != len(order):
            raise ValueError("another order")
        return [_typed(each, key.type) for each, key in zip(plain, order, strict=True)]
    except (ValueError, TypeError, InvalidOperation, binascii.Error, RecursionError):
        message = {"en": "This cursor does not belong to this list", "zh": "该游标不属于此列表"}
        hint = {"en": "Begin with the first page again", "zh": "请从第一页重新开始"}
        raise Invalid(Problem(Path(("cursor",)), "bad_cursor", message, hint)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _typed(plain: Any, type: ValueType) -> Any:
    if plain is None:
        return None
    match type.name:
        case "text":
            return _of(str, plain)
        case "yes_no":
            return _of(bool, plain)
        case "number":
            number = Decimal(_of(str, plain))
            if not number.is_finite() or abs(number) > 10**15:
                raise ValueError("no number of ours")
            return number
        case "date":
            return date.fromisoformat(_of(str, plain))
        case "datetime":
            moment = datetime.fromisoformat(_of(str, plain))
            if moment.tzinfo is None:
                raise ValueError("no zone")
            return moment
    if isinstance(plain, bool) or not 0 <= _of(int, plain) < 2**63:
        raise ValueError("no id of ours")
    return plain


def _of(kind: type, plain: Any) -> Any:
    if not isinstance(plain, kind) or (isinstance(plain, str) and "\x00" in plain):
        raise ValueError("another type")
    return plain
