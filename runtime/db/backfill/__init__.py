"""Carries values over to their new columns and fills new formulas and totals, in chunks, with a report per row."""

import sqlalchemy as sa

from engines.compiled import CompiledApp
from engines.facts import Facts
from engines.forms.schema_plan import SchemaPlan, Step
from runtime.db.backfill.converting import converted, moved
from runtime.db.backfill.estimate import NO_WORK, Work, work_of
from runtime.db.backfill.filling import filled, numbered
from runtime.db.backfill.report import Report

__all__ = ["NO_WORK", "Report", "Work", "backfill", "work_of"]


def backfill(connection: sa.Connection, plan: SchemaPlan, app: CompiledApp, facts: Facts) -> list[Report]:
    """Carry out the `backfill` steps of a plan inside the caller's transaction."""
    return [_carry_out(connection, app, step, facts) for step in plan.of("backfill")]


def _carry_out(connection: sa.Connection, app: CompiledApp, step: Step, facts: Facts) -> Report:
    match step.kind:
        case "convert":
            return converted(connection, app, step)
        case "move":
            return moved(connection, step)
        case "number":
            return numbered(connection, app, step, facts)
    return filled(connection, app, step, facts)
