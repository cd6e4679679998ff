"""Which computed fields a save must know: those that some expression of the app reads besides formulas."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.values import CompiledValue
from metadata.expressions import Expression, Template

DEPTH = 12


def computed_fields_read(app: CompiledApp) -> frozenset[str]:
    """The ids of computed fields that conditions, defaults, access, rules and flows read from a record or its rows."""
    computed = {id for form in app.forms.values() for id, each in form.fields.items() if each.storage == "computed"}
    if not computed:
        return frozenset()
    read = {id for expression in _read_in_a_save(app) for path in expression.reads for id in path[1:]}
    formulas = {
        id: each.expression.reads
        for form in app.forms.values()
        for id, each in form.fields.items()
        if id in computed and each.expression is not None
    }
    needed: set[str] = set()
    waiting = list(read & computed)
    while waiting:
        id = waiting.pop()
        if id in needed:
            continue
        needed.add(id)
        below = {part for path in formulas[id] for part in path[1:]}
        waiting.extend(below & computed)
    return frozenset(needed)


def expressions_in(thing: Any, depth: int = DEPTH) -> Iterator[Expression]:
    """Every expression inside something compiled, whatever engine it belongs to."""
    if isinstance(thing, Expression):
        yield thing
    elif isinstance(thing, Template):
        yield from thing.expressions
    elif depth == 0 or isinstance(thing, str | bytes | int | float | CompiledForm | CompiledField):
        return
    elif isinstance(thing, CompiledValue):
        yield from expressions_in((thing.expression, thing.template), depth - 1)
    elif isinstance(thing, Mapping):
        yield from expressions_in(tuple(thing.values()), depth - 1)
    elif isinstance(thing, list | tuple | set | frozenset):
        for each in thing:
            yield from expressions_in(each, depth - 1)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for part in fields(thing):
            yield from expressions_in(getattr(thing, part.name), depth - 1)


def _read_in_a_save(app: CompiledApp) -> Iterator[Expression]:
    yield from expressions_in((app.access, app.rules, app.flows))
    for form in app.forms.values():
        yield from (each.condition for each in form.validations)
        for field in form.fields.values():
            yield from expressions_in((field.required_if, field.visible_if, field.default))
