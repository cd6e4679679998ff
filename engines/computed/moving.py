"""Which fields move without a save of their record: roll-ups, and whatever is computed from them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.compiled import CompiledField, CompiledForm
    from metadata.expressions import Expression


def moving_fields(forms: "Mapping[str, CompiledForm]") -> frozenset[str]:
    """The ids of all roll-ups and of what is computed from them."""
    return _with_what_rests_on(forms, {each.id for each in _fields(forms) if each.rollup is not None})


def late_fields(forms: "Mapping[str, CompiledForm]") -> frozenset[str]:
    """The ids of the roll-ups that follow a save by a job, and of what is computed from them."""
    late = {each.id for each in _fields(forms) if each.rollup is not None and each.rollup.eventual}
    return _with_what_rests_on(forms, late)


def reads_one_of(expression: "Expression", fields: frozenset[str]) -> bool:
    """Whether a path of the expression meets one of the fields."""
    return any(step in fields for path in expression.reads for step in path[1:])


def _with_what_rests_on(forms: "Mapping[str, CompiledForm]", found: set[str]) -> frozenset[str]:
    fields = list(_fields(forms))
    grown = bool(found)
    while grown:
        reached = frozenset(found)
        found |= {each.id for each in fields if _rests_on(each, reached)}
        grown = len(found) > len(reached)
    return frozenset(found)


def _rests_on(field: "CompiledField", fields: frozenset[str]) -> bool:
    if field.rollup is not None:
        return bool(field.rollup.reads & fields)
    return field.expression is not None and reads_one_of(field.expression, fields)


def _fields(forms: "Mapping[str, CompiledForm]") -> "Iterable[CompiledField]":
    return (each for form in forms.values() for each in form.fields.values())
