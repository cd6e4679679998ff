"""Second factors, their recovery codes, and tickets: one-time links and the half-way point of a sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ff_second_factor",
        sa.Column("member", ID, autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("last_step", ID, nullable=True),
        sa.PrimaryKeyConstraint("member", name="pk_ff_second_factor"),
    )
    op.create_table(
        "ff_recovery_code",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_ff_recovery_code"),
    )
    op.create_index("ix_ff_recovery_code_member", "ff_recovery_code", ["member"])
    op.create_table(
        "ff_ticket",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_ff_ticket"),
    )
    op.create_index("ix_ff_ticket_member", "ff_ticket", ["member", "purpose"])
    op.create_index("ix_ff_ticket_expires_at", "ff_ticket", ["expires_at"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
