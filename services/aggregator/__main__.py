"""Builds the aggregator's processes and commands from settings and starts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

import typer

from aggregator.settings import AggregatorSettings
from lifecycle.stopping import Stopping, run
from settings.kafka import KafkaSettings
from settings.loading import load
from telemetry import logs
from telemetry.crashpoints import arm

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Counts participant events exactly once and publishes consistent cuts of the counts.",
)
Process = Callable[[AggregatorSettings, KafkaSettings, Stopping], Awaitable[None]]


@app.command()
def worker() -> None:
    """Count events. Any number of workers share the partitions; one is enough."""
    from aggregator.working import work  # Faust takes a second to import: only a worker pays for it

    _run("aggregator-worker", work)


@app.command()
def publisher() -> None:
    """Publish cuts of the counts. Several may run; one of them leads."""
    from aggregator.publishing import publish

    _run("aggregator-publisher", publish)


@app.command()
def migrate() -> None:
    """Bring the schema up to date."""
    from database.migrations import migrate as bring_up_to_date

    settings = load(AggregatorSettings)
    logs.configure("aggregator-migrate", settings.log_level)
    bring_up_to_date("aggregator", settings.database)


def _run(name: str, process: Process) -> None:
    settings, kafka = load(AggregatorSettings, KafkaSettings)
    logs.configure(name, settings.log_level)
    arm(settings.crash_at)
    code = 0
    try:
        run(lambda stopping: process(settings, kafka, stopping))
    except Exception as error:
        logs.get().error("process failed", error=type(error).__name__, reason=str(error)[:300])
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread of Faust's that hangs must not keep the process


if __name__ == "__main__":
    app()
