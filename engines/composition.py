"""The other engines' part of a compiled app: access, rules, flows and reports over the forms."""

from dataclasses import replace
from typing import Any

from engines.access import compile_access
from engines.compiled import CompiledApp
from engines.flows.compile import compile_flows
from engines.reads import computed_fields_read
from engines.reports.compile import compile as compile_reports
from engines.rules.compile import compile_rules
from metadata.problems import Problems


def compile_rest(app: CompiledApp, context: Any, problems: Problems) -> CompiledApp:
    """Compile access, rules, flows and reports of an app whose forms are compiled."""
    definition = app.definition
    app = replace(app, access=compile_access(app, context.functions, problems))
    rules = compile_rules(definition.rules, context, context.kinds, problems)
    flows = compile_flows(definition.flows, context, context.kinds, problems)
    reports = compile_reports(definition, context, problems)
    app = replace(app, rules=rules, flows=flows, reports=reports, dashboards=reports.dashboards)
    return replace(app, computed_needed=computed_fields_read(app))
