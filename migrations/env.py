"""Where Alembic finds its connection: always handed over by `runtime/db/migrate.py`."""

from alembic import context

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    version_table="ff_platform_version",
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,  # the transaction is the caller's: all steps or none
)
context.run_migrations()
