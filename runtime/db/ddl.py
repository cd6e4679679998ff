"""Carries out a schema plan with Alembic's operations, and compares tables with what they should be."""

import sqlalchemy as sa

from engines.forms.schema_plan import SchemaPlan


def apply(connection: sa.Connection, plan: SchemaPlan) -> None:
    """Carry out the `expand` steps of a plan inside the caller's transaction."""
    raise NotImplementedError
