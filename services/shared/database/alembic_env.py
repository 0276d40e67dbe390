"""The alembic environment of every service; each migration runs in its own transaction.

The only line of a service's `migrations/env.py` is `from database.alembic_env import run; run()`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from alembic import context, op
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import text

from database.schema_versions import Migration

STATEMENT_TIMEOUT: Final = "120s"
LOCK_TIMEOUT: Final = "2s"
"""Short, because all other transactions wait behind a migration that waits for the lock of a table."""


def run() -> None:
    """Run the pending migrations on the caller's connection.

    Alembic's version table is in the service's own schema.
    """
    config = context.config
    context.configure(
        connection=config.attributes["connection"],
        version_table_schema=config.attributes["schema"],
        transaction_per_migration=True,
        on_version_apply=_record_contraction,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_sql_file(migration: str, name: str) -> None:
    """Run the `.sql` file `name` in the folder of a migration; `migration` is the migration's `__file__`.

    The file may contain several statements, because psycopg sends the file as one simple query.
    """
    _execute((Path(migration).parent / name).read_text(encoding="utf-8"))


def run_outside_transaction(migration: str, name: str) -> None:
    """Run each statement of the `.sql` file `name` by itself, for `create index concurrently`.

    Writers continue meanwhile. So a statement may take an hour, and may wait for open transactions. What the
    migration did before is committed. An interrupted migration is run again from its start, so the file must
    first drop an index that is only partly built.
    """
    text = (Path(migration).parent / name).read_text(encoding="utf-8")
    with op.get_context().autocommit_block():
        _execute("set statement_timeout = '1h'; set lock_timeout = 0")
        for statement in filter(str.strip, text.split(";\n")):
            _execute(statement)
        _execute(f"set statement_timeout = '{STATEMENT_TIMEOUT}'; set lock_timeout = '{LOCK_TIMEOUT}'")


def _execute(statements: str) -> None:
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "migrations run in alembic's online mode only"
    connection.cursor().execute(statements)


def _record_contraction(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Store in the transaction of a contraction that it was applied. Alembic passes the arguments by name."""
    del heads, run_args
    script = step.up_revision
    assert isinstance(script, Script), "every step applies the migration of a file"
    migration = Migration.from_file_name(Path(script.path).name)
    if migration.is_contraction:
        assert ctx.connection is not None, "migrations run in alembic's online mode only"
        ctx.connection.execute(
            text("insert into contraction (revision) values (:revision)"), {"revision": migration.revision}
        )
