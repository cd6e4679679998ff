"""Totals that follow a save by a job, and how far the nightly check of all totals has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ff_late_total",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("parent", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_late_total"),
    )
    op.create_index("ix_ff_late_total_parent", "ff_late_total", ["app", "form", "parent"])
    op.create_table(
        "ff_total_check",
        sa.Column("app", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("night", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("after", ID, nullable=True),
        sa.Column("checked", ID, nullable=False),
        sa.Column("repaired", ID, nullable=False),
        sa.Column("repaired_ever", ID, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("app", name="pk_ff_total_check"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
