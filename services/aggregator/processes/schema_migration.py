"""The composition root of the `migrate` command."""

from aggregator.settings import MigrationSettings
from database.migrations import migrate
from settings.loader import load
from telemetry.logs import configure


def run_migrations(*, contract: bool) -> None:
    """Bring the schema up to date. Kafka settings are not needed."""
    settings = load(MigrationSettings)
    configure("aggregator-migrate", "INFO")
    migrate("aggregator", settings.owner("aggregator"), contract=contract)
