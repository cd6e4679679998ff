"""How internal values look in JSON, by value type: one form for the API, the history and the pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from metadata.value_types import ValueType, id_in

__all__ = ["id_in", "moment_text", "plain_number", "to_json"]


def to_json(value: Any, value_type: ValueType) -> Any:
    """Give the JSON form of a value: numbers as numbers, dates in ISO, moments in UTC with Z, ids as text."""
    if value is None:
        return [] if value_type.name == "list" else None
    match value_type.name:
        case "number":
            return plain_number(value)
        case "date":
            return value.isoformat()
        case "datetime":
            return moment_text(value)
        case "member" | "department" | "link":
            return str(value)
        case "list":
            element = value_type.of
            return [to_json(each, element) if element else each for each in value]
    return value


def plain_number(value: Decimal | int) -> int | float:
    """The JSON number of a decimal: whole numbers without a point; exact, since fields hold at most 15 digits."""
    return int(value) if value == int(value) else float(value)


def moment_text(moment: datetime) -> str:
    """A moment in UTC with Z, to the second unless there is a fraction."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
