"""The alembic environment of every service; each migration runs in its own transaction.

The only line of a service's `migrations/env.py` is `from database.alembic_env import run; run()`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context, op


def run() -> None:
    """Run the pending migrations on the caller's connection.

    Alembic's version table is in the service's own schema.
    """
    config = context.config
    context.configure(
        connection=config.attributes["connection"],
        version_table_schema=config.attributes["schema"],
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_sql_file(migration: str, name: str) -> None:
    """Run the `.sql` file `name` in the folder of a migration; `migration` is the migration's `__file__`.

    The file may contain several statements, because psycopg sends the file as one simple query.
    """
    text = (Path(migration).parent / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "migrations run in alembic's online mode only"
    connection.cursor().execute(text)
