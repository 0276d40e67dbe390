"""The command `migrate`: brings the notifier's database schema up to date."""

from __future__ import annotations

from database.migrations import migrate as migrate_schema
from notifier.settings import CommandSettings
from settings.loader import load


def migrate() -> None:
    """Apply the migrations that the schema `notifier` lacks."""
    migrate_schema("notifier", load(CommandSettings).database)
