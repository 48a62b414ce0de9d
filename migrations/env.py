"""Alembic's entry: which tables, which database, and how long a migration may wait."""

import sqlalchemy as sa
from alembic import context

from reconciler.store.tables import metadata

LOCK_TIMEOUT = "5s"  # a migration that waits longer for a table holds everybody up: try again
STATEMENT_TIMEOUT = "15min"


def run() -> None:
    """Migrate over the connection that the runner hands in."""
    connection: sa.Connection = context.config.attributes["connection"]
    connection.execute(sa.text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(sa.text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run()
