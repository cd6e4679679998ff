"""Parameters: what a reader chose, or what the author thought he would."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from engines.action_values import value_now
from engines.expressions import Environment
from engines.facts import Facts
from engines.reports.compiled import CompiledParameter
from metadata.problems import ROOT, Invalid, Problems
from metadata.text import Text, say


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


def _read(parameter: CompiledParameter, raw: Any, problems: Problems) -> Any:
    """Read what the reader chose, strictly."""
    try:
        match parameter.type.name:
            case "number":
                return Decimal(str(raw))
            case "date":
                return date.fromisoformat(str(raw))
            case "yes_no":
                return {"true": True, "false": False, True: True, False: False}[raw]
            case "member" | "department" | "link":
                return int(raw)
    except (ValueError, KeyError, ArithmeticError, TypeError):
        message: Text = {"en": "This value does not fit", "zh": "该值不符合要求"}
        problems.add(ROOT / parameter.name, "invalid", message)
        return None
    return str(raw)
