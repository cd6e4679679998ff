"""The indexes of fields hold blanks first (PostgreSQL only; SQLite does anyway), so that each serves both orders."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

OF_FIELDS = sa.text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
    "AND indexname ~ '^(ix|uq)_a[0-9]+_' AND indexdef ~ 'USING btree [(]\"?[a-z0-9_]+\"?[)]' "
    "AND indexdef !~ 'USING btree [(]value[)]' ORDER BY indexname"
)
COLUMN = re.compile(r"\((\"?\w+\"?)\)")


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for name, definition in op.get_bind().execute(OF_FIELDS).all():
        op.execute(f'DROP INDEX "{name}"')
        op.execute(COLUMN.sub(r"(\1 NULLS FIRST)", definition, count=1))


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
