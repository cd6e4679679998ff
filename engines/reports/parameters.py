"""Parameters: what a reader chose, or what the author thought he would."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from engines.action_values import value_now
from engines.expressions import Environment
from engines.facts import Facts
from engines.reports.compiled import CompiledParameter
from engines.values import CompiledValue
from metadata.problems import ROOT, Invalid, Problems
from metadata.text import Text, say

DOES_NOT_FIT: Text = {"en": "This value does not fit", "zh": "该值不符合要求"}
LARGEST_NUMBER = Decimal(10) ** 15


def given(report_parameters: Sequence[CompiledParameter], raw: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The values of the parameters: what the reader chose, else their defaults. Raises Invalid for what is wrong."""
    problems = Problems()
    values = {}
    for each in report_parameters:
        chosen = raw.get(each.name)
        if chosen in (None, ""):
            values[each.name] = value_now(each.default, Environment({}, facts))
        else:
            values[each.name] = _read(each, chosen, problems)
        if each.required and values[each.name] is None:
            message = {"en": f"Choose {say(each.title, 'en')}", "zh": f"请选择{say(each.title, 'zh')}"}
            problems.add(ROOT / each.name, "required", message)
    problems.raise_if_any(Invalid)
    return values


def chosen_by(values: Mapping[str, CompiledValue], facts: Facts) -> dict[str, Any]:
    """What a card chooses of a report's parameters, at this moment."""
    return {name: value_now(value, Environment({}, facts)) for name, value in values.items()}


def _read(parameter: CompiledParameter, raw: Any, problems: Problems) -> Any:
    """Read what the reader chose, strictly."""
    try:
        return read_value(parameter.type.name, raw)
    except ValueError:
        problems.add(ROOT / parameter.name, "invalid", DOES_NOT_FIT)
        return None


def read_value(type_name: str, raw: Any) -> Any:
    """Bring a value that was typed or written into the form that expressions know. Raises ValueError."""
    try:
        match type_name:
            case "number":
                return _number(raw)
            case "date":
                return date.fromisoformat(str(raw))
            case "yes_no":
                return {"true": True, "false": False, True: True, False: False}[raw]
            case "member" | "department" | "link":
                return _id(raw)
    except (KeyError, ArithmeticError, TypeError) as error:
        raise ValueError(str(error)) from error
    return str(raw)


def _number(raw: Any) -> Decimal:
    number = Decimal(str(raw))
    if not number.is_finite() or abs(number) >= LARGEST_NUMBER:
        raise ValueError("no number of at most 15 digits")
    return number


def _id(raw: Any) -> int:
    id = int(raw)
    if not 0 < id < 2**63:
        raise ValueError("no id")
    return id
