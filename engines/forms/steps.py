"""What the saves of a form go through, sorted out once: defaults, settings by option, formulas, checks."""

from collections.abc import Iterator
from dataclasses import dataclass

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.values import CompiledValue
from metadata.expressions import Expression
from metadata.value_types import ValueType


@dataclass(frozen=True)
class Computation:
    """A formula to evaluate: for the record, or (with `rows`) for each row of a subform."""

    field: CompiledField
    expression: Expression
    rows: str | None
    reads: frozenset[str]


@dataclass(frozen=True)
class Crossing:
    """An expression that follows links; with `rows` once for each row of that subform."""

    expression: Expression
    rows: str | None


@dataclass(frozen=True)
class Steps:
    """The fields of a form by what a save does with them."""

    plain_defaults: tuple[CompiledField, ...]
    computed_defaults: tuple[CompiledField, ...]
    setters: tuple[CompiledField, ...]
    formulas: tuple[Computation, ...]
    computed: tuple[Computation, ...]
    crossing: tuple[Crossing, ...]
    references: tuple[CompiledField, ...]
    unique: tuple[CompiledField, ...]
    hidden: tuple[CompiledField, ...]
    required: tuple[CompiledField, ...]
    subforms: tuple[CompiledField, ...]
    numbers: tuple[CompiledField, ...]
    rows: "dict[str, Steps]"


def steps_of(app: CompiledApp, form: CompiledForm) -> Steps:
    """The steps of a form's saves; worked out at the first one."""
    return app.memory.remember(("steps", form.id), lambda: _sort_out(app, form))


def _sort_out(app: CompiledApp, form: CompiledForm) -> Steps:
    fields = list(form.fields.values())
    defaults = [each for each in fields if each.default is not None]
    return Steps(
        plain_defaults=tuple(each for each in defaults if each.default and _is_plain(each.default)),
        computed_defaults=tuple(each for each in defaults if each.default and not _is_plain(each.default)),
        setters=tuple(each for each in fields if any(_sets(option) for option in each.choices.values())),
        formulas=tuple(_computations(app, form, stored=True)),
        computed=tuple(_computations(app, form, stored=False)),
        crossing=tuple(_crossing(app, form)),
        references=tuple(each for each in fields if _element(each).is_reference and not each.is_derived),
        unique=tuple(each for each in fields if each.unique and each.storage != "number"),
        hidden=tuple(each for each in fields if each.visible_if is not None),
        required=tuple(each for each in fields if each.required or each.required_if is not None),
        subforms=form.subforms,
        numbers=tuple(each for each in fields if each.storage == "number"),
        rows={each.id: steps_of(app, each.subform) for each in form.subforms if each.subform is not None},
    )


def _computations(app: CompiledApp, form: CompiledForm, stored: bool) -> Iterator[Computation]:
    for owner, id in form.formula_order if stored else form.computed_order:
        field = app.forms[owner].fields[id]
        if field.expression is None or not (stored or id in app.computed_needed):
            continue
        reads = frozenset(part for read in field.expression.reads for part in read[1:])
        yield Computation(field, field.expression, owner if owner != form.id else None, reads)


def _crossing(app: CompiledApp, form: CompiledForm) -> Iterator[Crossing]:
    if form.parent is not None:
        return
    for expression, rows in _evaluated(app, form):
        if any(_crosses(app, form, rows, read) for read in expression.reads):
            yield Crossing(expression, rows)


def _evaluated(app: CompiledApp, form: CompiledForm) -> Iterator[tuple[Expression, str | None]]:
    """Every expression that a save of the form evaluates, but the defaults."""
    for validation in form.validations:
        yield validation.condition, None
    owners = [(form, None)] + [(each.subform, each.id) for each in form.subforms if each.subform is not None]
    for owner, rows in owners:
        for field in owner.fields.values():
            for expression in (field.visible_if, field.required_if):
                if expression is not None:
                    yield expression, rows
            if field.storage == "computed" and field.id in app.computed_needed and field.expression is not None:
                yield field.expression, rows


def _crosses(app: CompiledApp, form: CompiledForm, rows: str | None, read: tuple[str, ...]) -> bool:
    """Whether a path follows a link from the record or one of its rows."""
    if read[0] not in ("record", "row", "old"):
        return False
    at: CompiledForm | None = app.forms[rows] if read[0] == "row" and rows else form
    for id in read[1:-1]:
        field = at.fields.get(id) if at is not None else None
        if field is None:
            return False
        if field.type.name == "link":
            return True
        at = field.subform
    return False


def _is_plain(value: CompiledValue) -> bool:
    return value.expression is None and value.template is None


def _sets(option: object) -> bool:
    return bool(getattr(option, "sets", None) or getattr(option, "requires", None))


def _element(field: CompiledField) -> ValueType:
    return field.type.of or field.type
