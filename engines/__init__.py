"""The meaning of definitions: four pure engines in one view, and the one decision behind every save."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engines import composition
from engines.compiled import CompiledApp, CompiledField, CompiledForm, StoredAs
from engines.context import AppContext
from engines.forms.compile import CompiledForms, compile_forms, compile_forms_that_can_be
from engines.forms.execute import Decision, RowChanges, SaveRequest, recalculate
from engines.forms.execute import execute as decide
from engines.missing import STAND_INS
from metadata.problems import Problems

if TYPE_CHECKING:
    from metadata.app import AppDefinition
    from metadata.kinds import Kinds

__all__ = [
    "AppContext",
    "CompiledApp",
    "CompiledField",
    "CompiledForm",
    "Decision",
    "RowChanges",
    "SaveRequest",
    "StoredAs",
    "compile_app",
    "compile_what_can_be",
    "decide",
    "recalculate",
]

NOTHING_STORED: Mapping[str, StoredAs] = MappingProxyType({})


def compile_app(
    definition: "AppDefinition", kinds: "Kinds", number: int = 1, storages: Mapping[str, StoredAs] = NOTHING_STORED
) -> CompiledApp:
    """Compile a definition by all engines; raise InvalidDefinition with the problems of all of them.

    `storages` is what was ever stored under which id (`storages` of the live app, kept with its manifest): it decides
    which column a field has after a change of its type.
    """
    problems = Problems()
    forms = compile_forms(definition, kinds, number, storages, problems)
    context = _context(definition, kinds, forms)
    app = _app(definition, number, forms, context)
    app = composition.compile_rest(app, context, problems)
    problems.raise_if_any()
    return app


def compile_what_can_be(
    definition: "AppDefinition", kinds: "Kinds", number: int, storages: Mapping[str, StoredAs]
) -> CompiledApp:
    """Compile an app that was in order when it was published, with stand-ins for what is missing now.

    What does not work without them rests: fields are raw, rules are left out, flows stop where they begin.
    """
    problems = Problems()
    forms = compile_forms_that_can_be(definition, kinds, number, storages, problems)
    context = replace(_context(definition, kinds, forms), stand_ins=STAND_INS)
    return composition.compile_rest(_app(definition, number, forms, context), context, problems)


def _context(definition: "AppDefinition", kinds: "Kinds", forms: CompiledForms) -> AppContext:
    return AppContext(
        names=forms.names,
        forms=forms.forms,
        form_ids=forms.form_ids,
        role_ids=_ids(definition.roles),
        flow_ids=_ids(definition.flows),
        kinds=kinds,
        flow_forms={each.key: forms.form_ids.get(each.form, "") for each in definition.flows},
        role_titles={role.key: role.caption for role in definition.roles},
    )


def _app(definition: "AppDefinition", number: int, forms: CompiledForms, context: AppContext) -> CompiledApp:
    return CompiledApp(
        definition=definition,
        number=number,
        name=definition.app,
        title=definition.caption,
        zone=ZoneInfo(definition.time_zone),
        currency=definition.currency,
        names=forms.names,
        forms=forms.forms,
        form_ids=forms.form_ids,
        role_ids=context.role_ids,
        storages=forms.storages,
        metadata=forms.metadata,
        derived_order=forms.derived_order,
    )


def _ids(things: Iterable[Any]) -> dict[str, str]:
    return {thing.name: thing.key for thing in things}
