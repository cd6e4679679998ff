"""The other engines' part of a compiled app: access, rules, flows and reports over the forms."""

from dataclasses import replace

from engines.access_entries import compile_access
from engines.checks.lists import check_lists
from engines.compiled import CompiledApp
from engines.computed.reads import computed_fields_read
from engines.context import AppContext
from engines.flows.compile import compile_flows
from engines.memory import Memory
from engines.relation.pushable import check_computed_fields, check_views
from engines.reports.compile import compile_reports
from engines.rules.compile import compile_rules
from metadata.problems import Problems


def compile_rest(app: CompiledApp, context: AppContext, problems: Problems) -> CompiledApp:
    """Compile access, rules, flows and reports of an app whose forms are compiled."""
    definition = app.definition
    app = replace(app, access=compile_access(app, context.functions, problems))
    check_computed_fields(app, problems)
    check_views(app, context.functions, problems)
    check_lists(app, problems)
    rules = compile_rules(definition.rules, context, problems)
    flows = compile_flows(definition.flows, context, problems)
    reports = compile_reports(definition, context, problems)
    app = replace(app, rules=rules, flows=flows, reports=reports)
    return replace(app, computed_needed=computed_fields_read(app), memory=Memory())
