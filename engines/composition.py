"""The other engines' part of a compiled app: access, rules, flows and reports over the forms."""

from dataclasses import replace
from importlib import import_module
from typing import Any

from engines.compiled import CompiledApp
from engines.reads import computed_fields_read
from metadata.problems import Problems


def compile_rest(app: CompiledApp, context: Any, problems: Problems) -> CompiledApp:
    """Compile access, rules, flows and reports of an app whose forms are compiled."""
    definition = app.definition
    app = replace(app, access=_engine("engines.access").compile_access(app, context.functions, problems))
    rules = _engine("engines.rules.compile").compile_rules(definition.rules, context, context.kinds, problems)
    flows = _engine("engines.flows.compile").compile_flows(definition.flows, context, context.kinds, problems)
    reports = _engine("engines.reports.compile").compile(definition, context, problems)
    app = replace(app, rules=rules, flows=flows, reports=reports, dashboards=reports.dashboards)
    return replace(app, computed_needed=computed_fields_read(app))


def _engine(name: str) -> Any:
    return import_module(name)
