"""Brings the schema of the register's database up to date (`registration migrate`)."""

from __future__ import annotations

from typing import Annotated

import typer

from database.migrations import migrate as migrate_schema
from registration.settings import MigrationSettings
from settings.loader import load
from telemetry.logs import configure


def migrate(
    contract: Annotated[
        bool, typer.Option("--contract", help="Also remove what no running version uses.")
    ] = False,
) -> None:
    """Bring the schema of the register's database up to date."""
    settings = load(MigrationSettings)
    configure("registration-migrate", "INFO")
    migrate_schema("registration", settings.owner("registration"), contract=contract)
