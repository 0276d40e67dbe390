"""The command line: `worker`, `publisher`, `migrate` and the operator commands."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregator.cli import quarantine, rebuild, skip
from aggregator.processes.startup import run_process

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Counts participant events exactly once and publishes consistent cuts of the counts.",
)


@app.command()
def worker() -> None:
    """Count events. Any number of workers share the partitions; one worker is enough."""
    from aggregator.processes.worker import run_worker  # here, because importing Faust takes a second

    run_process("aggregator-worker", run_worker)


@app.command()
def publisher() -> None:
    """Publish cuts of the counts. Several publishers may run; one of them leads."""
    from aggregator.processes.publisher import run_publisher

    run_process("aggregator-publisher", run_publisher)


@app.command()
def migrate(
    contract: Annotated[
        bool, typer.Option("--contract", help="Also remove what no running version uses.")
    ] = False,
) -> None:
    """Bring the schema up to date."""
    from aggregator.processes.schema_migration import run_migrations

    run_migrations(contract=contract)


app.add_typer(rebuild.app)
app.add_typer(skip.app)
app.add_typer(quarantine.app, name="quarantine")

if __name__ == "__main__":
    app()
