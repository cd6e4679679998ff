"""The record to which a subform row belongs, beside each entry of the row's history; after-images ready to be read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEX = "ix_ff_record_version_parent"

FROM_DOCUMENT = {
    "sqlite": """
        UPDATE ff_record_version SET parent = json_extract(doc, '$.record')
        WHERE doc IS NOT NULL AND json_type(doc, '$.record') = 'integer'
    """,
    "postgresql": """
        UPDATE ff_record_version SET parent = CAST(doc ->> 'record' AS bigint)
        WHERE doc IS NOT NULL AND doc ->> 'record' ~ '^[0-9]{1,18}$'
    """,
}
OF_DELETED_ROWS = """
    UPDATE ff_record_version SET parent = (
        SELECT max(earlier.parent) FROM ff_record_version AS earlier
        WHERE earlier.form = ff_record_version.form AND earlier.record = ff_record_version.record
          AND earlier.app = ff_record_version.app
    )
    WHERE doc IS NULL AND parent IS NULL
"""


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE ff_record_version ALTER COLUMN doc TYPE jsonb USING doc::jsonb")
    op.add_column("ff_record_version", sa.Column("parent", ID, nullable=True))
    op.execute(FROM_DOCUMENT[op.get_context().dialect.name])
    op.execute(OF_DELETED_ROWS)
    is_row = sa.text("parent IS NOT NULL")
    columns = ["form", "parent", "record", "seq"]
    op.create_index(INDEX, "ff_record_version", columns, sqlite_where=is_row, postgresql_where=is_row)
