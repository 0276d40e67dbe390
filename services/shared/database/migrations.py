"""Migrates a service's schema; an advisory lock serializes migrations that start at the same time."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from database.address import DatabaseAddress

# The migrations of all services use this one lock. The number is arbitrary but must never change.
ADVISORY_LOCK: Final = 0x4A414B50
STATEMENT_TIMEOUT_S: Final = 120


def migrate(package: str, address: DatabaseAddress) -> None:
    """Migrate the schema with the package's name to the newest version in `<package>/migrations`."""
    # Imported here because these imports take most of a second and every process imports this module.
    import psycopg
    import sqlalchemy
    from alembic import command
    from alembic.config import Config

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**address.libpq_options()),
        poolclass=sqlalchemy.pool.NullPool,
    )
    try:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"set statement_timeout = '{STATEMENT_TIMEOUT_S}s'"))
            connection.execute(sqlalchemy.text("set lock_timeout = '60s'"))
            connection.execute(sqlalchemy.text("set idle_in_transaction_session_timeout = '120s'"))
            connection.execute(
                sqlalchemy.text(
                    "select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'"
                )
            )
            connection.commit()
            connection.execute(sqlalchemy.text(f"select pg_advisory_lock({ADVISORY_LOCK})"))
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(Path(str(files(package))) / "migrations"))
            config.attributes["connection"] = connection
            config.attributes["schema"] = package
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()
