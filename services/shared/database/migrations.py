"""Migrates a service's schema; an advisory lock serializes migrations that start at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from database.address import DatabaseAddress
from database.schema_versions import StoredVersion, next_revision, read_migrations, refusal
from telemetry.logs import get

if TYPE_CHECKING:
    import sqlalchemy

log = get()

# The migrations of all services use this one lock. The number is arbitrary but must never change.
ADVISORY_LOCK: Final = 0x4A414B50
CONNECT_S_MAX: Final = 10
LOCK_ATTEMPTS_MAX: Final = 60
LOCK_PAUSE_S: Final = 1.0
TURN_POLL_S: Final = 0.2


class MigrationFailedError(SystemExit):
    """The schema was not migrated; the message has the reason and the remedy. The exit code is 1."""


def migrate(
    service: str, address: DatabaseAddress, *, contract: bool = False, upto: str | None = None
) -> None:
    """Migrate the schema of the service, then grant its roles the privileges in `migrations/grants.sql`.

    An empty schema gets all migrations. Any other gets those before the first contraction, or with `contract`
    all. `upto` is the revision at which to stop instead. Raises MigrationFailedError.
    """
    # Imported here because these imports take most of a second and every process imports this module.
    import psycopg
    import sqlalchemy

    migrations = read_migrations(service)
    try:
        with _connected(address) as connection:
            stored = _stored_version(connection, service)
            if stored.revision > migrations[-1].revision:
                _keep_newer_schema(service, stored)
                return
            target = upto or next_revision(migrations, stored.revision, contract)
            if target is not None:
                _upgrade(connection, service, target)
            if upto is None:
                folder = Path(str(files(service))) / "migrations"
                connection.exec_driver_sql((folder / "grants.sql").read_text(encoding="utf-8"))
                connection.commit()
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        cause = getattr(error, "orig", error)
        raise MigrationFailedError(
            f"{service} migrate: {str(cause).strip()} ({type(cause).__name__}). "
            "The migrations that had ended are kept; correct the cause and repeat the command."
        ) from None
    held_back = [
        migration.revision for migration in migrations if migration.revision > (target or stored.revision)
    ]
    if held_back and upto is None:
        log.warning(
            "contraction held back",
            revision=held_back[0],
            remedy=f"when no process of an earlier version runs: {service} migrate --contract",
        )


def _keep_newer_schema(service: str, stored: StoredVersion) -> None:
    """Accept the schema of a newer version unless this version cannot work with it."""
    if (reason := refusal(service, read_migrations(service), stored)) is not None:
        raise MigrationFailedError(reason)
    log.info("schema belongs to a newer version", schema=service, revision=stored.revision)


def _upgrade(connection: sqlalchemy.Connection, service: str, target: str) -> None:
    """Run the migrations up to `target`. If another transaction holds a lock for too long, try again."""
    from alembic import command
    from alembic.config import Config
    from psycopg.errors import LockNotAvailable
    from sqlalchemy.exc import OperationalError

    config = Config()
    config.set_main_option("script_location", str(Path(str(files(service))) / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    for attempt in range(1, LOCK_ATTEMPTS_MAX + 1):
        try:
            command.upgrade(config, target)
            connection.commit()
        except (OperationalError, LockNotAvailable) as error:
            if (
                not isinstance(getattr(error, "orig", error), LockNotAvailable)
                or attempt == LOCK_ATTEMPTS_MAX
            ):
                raise
            connection.rollback()
            log.info("migration waits for a lock", schema=service, attempt=attempt)
            time.sleep(LOCK_PAUSE_S)
        else:
            return


@contextmanager
def _connected(address: DatabaseAddress) -> Iterator[sqlalchemy.Connection]:
    """Open a connection that holds the advisory lock and has the time-outs of migrations."""
    import psycopg
    import sqlalchemy

    from database.alembic_env import LOCK_TIMEOUT, STATEMENT_TIMEOUT

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**address.libpq_options(), connect_timeout=CONNECT_S_MAX),
        poolclass=sqlalchemy.pool.NullPool,
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'"
            )
            for setting in (
                f"statement_timeout = '{STATEMENT_TIMEOUT}'",
                "idle_in_transaction_session_timeout = '120s'",
                f"lock_timeout = '{LOCK_TIMEOUT}'",
            ):
                connection.exec_driver_sql(f"set {setting}")
            connection.commit()
            _await_turn(connection)
            yield connection
    finally:
        engine.dispose()


def _await_turn(connection: sqlalchemy.Connection) -> None:
    """Wait until no other process migrates, and hold the advisory lock from then on.

    A session that waits inside a statement has a snapshot, and the build of an index would wait for it.
    """
    is_logged = False
    while not connection.exec_driver_sql(f"select pg_try_advisory_lock({ADVISORY_LOCK})").scalar():
        connection.commit()
        if not is_logged:
            log.info("waiting for the migration of another process")
            is_logged = True
        time.sleep(TURN_POLL_S)
    connection.commit()


def _stored_version(connection: sqlalchemy.Connection, service: str) -> StoredVersion:
    """Return the version of the schema, with an empty revision if no migration was run yet."""

    def newest(table: str, column: str) -> str:
        if connection.exec_driver_sql("select to_regclass(%s)", (f"{service}.{table}",)).scalar() is None:
            return ""
        return connection.exec_driver_sql(f"select max({column}) from {service}.{table}").scalar() or ""

    version = StoredVersion(newest("alembic_version", "version_num"), newest("contraction", "revision"))
    connection.commit()
    return version
