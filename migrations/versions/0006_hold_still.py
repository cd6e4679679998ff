"""Holding an app still and reading what is live in one round to the server (PostgreSQL only).

Each statement of the function sees the database anew, so what is read is what was live once the lock was held.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

HOLD_STILL = """
    CREATE FUNCTION ff_hold_still(lock bigint, wanted text) RETURNS TABLE (live bigint, rule text)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(lock);
        RETURN QUERY
            SELECT app.live, paused.rule FROM ff_app AS app
            LEFT JOIN ff_rule_state AS paused ON paused.app = app.name AND paused.paused_at IS NOT NULL
            WHERE app.name = wanted;
    END $$
"""


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(HOLD_STILL)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
