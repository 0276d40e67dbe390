"""What alembic runs for every service: one transaction per migration on the connection it is handed.

A service's `migrations/env.py` is the one line `from database.alembic_env import run; run()`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context, op


def run() -> None:
    """Run the pending migrations, keeping the version table in the service's own schema."""
    config = context.config
    context.configure(
        connection=config.attributes["connection"],
        version_table_schema=config.attributes["schema"],
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_sql_file(migration: str, name: str) -> None:
    """Run a `.sql` file beside a migration; `migration` is its `__file__`.

    The file may hold several statements: psycopg sends them as one simple query.
    """
    text = (Path(migration).parent / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "alembic runs online only"
    connection.cursor().execute(text)
