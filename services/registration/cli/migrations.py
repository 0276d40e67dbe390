"""Brings the schema of the register's database up to date (`registration migrate`)."""

from __future__ import annotations

from database.migrations import migrate as migrate_schema
from registration.settings import MigrationSettings
from settings.loader import load
from telemetry.logs import configure


def migrate() -> None:
    """Bring the schema of the register's database up to date."""
    settings = load(MigrationSettings)
    configure("registration-migrate", "INFO")
    migrate_schema("registration", settings.owner("registration"))
