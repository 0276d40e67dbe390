"""Brings the schema of the register's database up to date (`registration migrate`)."""

from __future__ import annotations

from database.migrations import migrate as migrate_schema
from registration.cli.command_runner import set_up
from registration.settings import RegisterSettings
from settings.loader import load


def migrate() -> None:
    """Bring the schema of the register's database up to date."""
    settings = load(RegisterSettings)
    set_up(settings)
    migrate_schema("registration", settings.database)
