"""How a value reads in a text for people."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engines.expressions.arithmetic import plain
from engines.expressions.environment import Environment
from metadata.value_types import TEXT, ValueType

YES_NO = {"en": ("yes", "no"), "zh": ("是", "否")}
BETWEEN = {"en": ", ", "zh": "、"}


def shown(value: Any, type: ValueType, environment: Environment, language: str) -> str:
    """The value as text: numbers with thousands separators, date-times in the app's zone, people by name."""
    if type.name == "list":
        parts = (shown(each, type.of or TEXT, environment, language) for each in value or ())
        return BETWEEN.get(language, ", ").join(parts)
    if type.name == "yes_no":
        return YES_NO.get(language, YES_NO["en"])[0 if value else 1]
    if value is None:
        return ""
    if type.name in ("member", "department"):
        return _name(value, type, environment)
    if isinstance(value, datetime):
        return value.astimezone(environment.facts.zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return _grouped(value) if isinstance(value, Decimal) else str(value)


def _name(value: int, type: ValueType, environment: Environment) -> str:
    organisation = environment.facts.organisation
    if type.name == "member":
        person = organisation.people.get(value)
        return person.name if person else ""
    department = organisation.departments.get(value)
    return department.name if department else ""


def _grouped(value: Decimal) -> str:
    whole, point, fraction = plain(value).partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{point}{fraction}"
