"""Pauses of rules, how much may happen in a while, whose jobs are whose, and schedules that were missed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ff_rule_state",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_at", MOMENT, nullable=True),
        sa.Column("paused_by", ID, nullable=True),
        sa.Column("reason", JSON, nullable=True),
        sa.PrimaryKeyConstraint("app", "rule", name="pk_ff_rule_state"),
    )
    op.create_table(
        "ff_turnstile",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("period", ID, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ff_turnstile"),
    )
    op.add_column("ff_job", sa.Column("app", sa.Text(), nullable=True))
    op.add_column("ff_job", sa.Column("rule", sa.Text(), nullable=True))
    op.create_index("ix_ff_job_rule", "ff_job", ["app", "rule", "state"])
    op.add_column("ff_timer", sa.Column("missed", JSON, nullable=True))
