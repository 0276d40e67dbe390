"""The composition root of the `migrate` command."""

from aggregator.settings import AggregatorSettings
from database.migrations import migrate
from settings.loader import load
from telemetry import logs


def run_migrations() -> None:
    """Bring the schema up to date. Kafka settings are not needed."""
    settings = load(AggregatorSettings)
    logs.configure("aggregator-migrate", settings.log_level)
    migrate("aggregator", settings.database)
