"""How a value becomes one of another type: what a person would expect, or nothing at all; never a guess."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from engines.compiled import CompiledField
from engines.forms.numbers import fit
from engines.forms.tables import ROWS
from engines.forms.work import settle
from engines.json_values import moment_text
from engines.values import ValueProblem
from metadata.text import say
from metadata.value_types import DATE, DATETIME, DEPARTMENT, MEMBER, TEXT, YES_NO, ValueType, link, list_of, number

PLAIN: Mapping[str, ValueType] = {
    "text": TEXT,
    "yes_no": YES_NO,
    "date": DATE,
    "datetime": DATETIME,
    "member": MEMBER,
    "department": DEPARTMENT,
}
YES_WORDS = frozenset({"yes", "true", "1", "是", "对"})
NO_WORDS = frozenset({"no", "false", "0", "否", "不"})


class DoesNotConvert(Exception):
    """The value means nothing in the new type."""


def type_of_shape(shape: str) -> ValueType:
    """The value type whose values were stored in this shape."""
    name, _, rest = shape.partition(":")
    match name:
        case "list":
            return list_of(type_of_shape(rest))
        case "number":
            return number(int(rest))
        case "link":
            return link(rest)
    if shape == ROWS:
        raise DoesNotConvert
    return PLAIN[name]


def convert(value: Any, old: ValueType, field: CompiledField, zone: ZoneInfo) -> Any:
    """Turn a stored value of the old type into one of the field; raise DoesNotConvert. Blank stays blank."""
    if old.name == "list":
        return _from_list(value, old, field, zone)
    if value is None or value == "":
        return None
    element = field.type.of or field.type
    converted = _convert_one(value, old, element, field, zone)
    try:
        return settle((converted,) if field.is_list else converted, field)
    except ValueProblem:
        raise DoesNotConvert from None


def _from_list(values: Any, old: ValueType, field: CompiledField, zone: ZoneInfo) -> Any:
    if not values:
        return () if field.is_list else None
    element = field.type.of or field.type
    converted = tuple(_convert_one(each, old.of or TEXT, element, field, zone) for each in values)
    if not field.is_list and len(converted) > 1 and element.name != "text":
        raise DoesNotConvert
    try:
        return settle(converted if field.is_list else _joined(converted), field)
    except ValueProblem:
        raise DoesNotConvert from None


def _joined(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else ", ".join(str(each) for each in values)


def _convert_one(value: Any, old: ValueType, new: ValueType, field: CompiledField, zone: ZoneInfo) -> Any:
    if old.name == new.name and old.form == new.form:
        return value
    match new.name:
        case "text":
            return _option_of(_as_text(value, old), field)
        case "number":
            return _as_number(value, old, new.decimals or 0)
        case "yes_no":
            return _as_yes_no(value, old)
        case "date":
            return _as_date(value, old, zone)
        case "datetime":
            return _as_moment(value, old, zone)
    raise DoesNotConvert


def _option_of(text: str, field: CompiledField) -> str:
    """Where the field offers choices, the one whose title the text is, or that took over from it."""
    for value, option in field.choices.items():
        if text in option.was or text in (say(option.title, "en"), say(option.title, "zh")):
            return value
    return text


def _as_text(value: Any, old: ValueType) -> str:
    match old.name:
        case "number":
            return format(value.normalize(), "f")
        case "date":
            return str(value.isoformat())
        case "datetime":
            return moment_text(value)
        case "yes_no":
            return "yes" if value else "no"
        case "text":
            return str(value)
    raise DoesNotConvert  # an id is no text for people


def _as_number(value: Any, old: ValueType, decimals: int) -> Decimal:
    if old.name == "yes_no":
        return Decimal(int(value))
    if old.name not in ("text", "number"):
        raise DoesNotConvert
    try:
        found = value if isinstance(value, Decimal) else Decimal(_plain_digits(value))
        return fit(found, decimals)
    except (InvalidOperation, ValueProblem):
        raise DoesNotConvert from None


def _plain_digits(text: str) -> str:
    """A number as people write it: `1,234.50`, `￥80`, but no words."""
    cleaned = text.strip().lstrip("￥¥$€ ").replace(",", "").replace(" ", "")
    if not cleaned or not all(character in "+-.0123456789" for character in cleaned):
        raise DoesNotConvert
    return cleaned


def _as_yes_no(value: Any, old: ValueType) -> bool:
    if old.name == "number":
        return bool(value)
    if old.name == "text" and value.strip().lower() in YES_WORDS | NO_WORDS:
        return value.strip().lower() in YES_WORDS
    raise DoesNotConvert


def _as_date(value: Any, old: ValueType, zone: ZoneInfo) -> date:
    if old.name == "datetime":
        return value.astimezone(zone).date()  # type: ignore[no-any-return]
    if old.name != "text":
        raise DoesNotConvert
    try:
        year, month, day = value.strip().replace("/", "-").replace(".", "-").split("-")
        if len(year) != 4:
            raise ValueError
        return date(int(year), int(month), int(day))
    except ValueError:
        raise DoesNotConvert from None


def _as_moment(value: Any, old: ValueType, zone: ZoneInfo) -> datetime:
    if old.name == "date":
        return datetime(value.year, value.month, value.day, tzinfo=zone).astimezone(UTC)
    if old.name != "text":
        raise DoesNotConvert
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DoesNotConvert from None
