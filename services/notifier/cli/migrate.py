"""The command `migrate`: brings the notifier's database schema up to date."""

from __future__ import annotations

from database.migrations import migrate as migrate_schema
from notifier.settings import MigrationSettings
from settings.loader import load
from telemetry.logs import configure


def migrate(*, contract: bool) -> None:
    """Apply the migrations that the schema `notifier` lacks."""
    settings = load(MigrationSettings)
    configure("notifier-migrate", "INFO")
    migrate_schema("notifier", settings.owner("notifier"), contract=contract)
