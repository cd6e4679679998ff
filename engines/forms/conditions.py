"""The conditions of a form: when a field is shown or required, and what its records must meet."""

from engines.compiled import Validation
from engines.forms.resolve import Resolver
from engines.forms.written import WrittenForm
from metadata.expressions import Expression, Scope, check
from metadata.problems import Path, Problems, Refusal, nearest
from metadata.value_types import YES_NO


def condition(text: str, scope: Scope, path: Path, resolver: Resolver, problems: Problems) -> Expression | None:
    """A condition, checked; None where it is wrong, which is noted."""
    try:
        return check(text, scope, resolver.functions, YES_NO)
    except Refusal as refusal:
        problems.extend(refusal.problems, path)
        return None


def validations_of(form: WrittenForm, resolver: Resolver, problems: Problems) -> tuple[Validation, ...]:
    """What the records of a form must meet, checked."""
    found = []
    scope = resolver.scope(form.id).with_old()
    for index, each in enumerate(form.definition.validations):
        path = form.path / "validations" / index
        if each.field is not None and each.field not in form.fields:
            message = {"en": f"There is no field “{each.field}”", "zh": f"不存在字段“{each.field}”"}
            problems.add(path / "field", "unknown_field", message, nearest(each.field, form.fields))
            continue
        met = condition(each.valid_if, scope, path / "valid_if", resolver, problems)
        if met is not None:
            id = form.fields[each.field].key[1] if each.field else None
            found.append(Validation(met, each.message, id, index))
    return tuple(found)
