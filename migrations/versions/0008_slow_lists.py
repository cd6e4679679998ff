"""By which fields without an index people filter and sort lists that take long."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ff_slow_list",
        sa.Column("app", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("form", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("slowest", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("app", "form", "field", name="pk_ff_slow_list"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
