"""The command `skip`, which moves a partition's position past an event that cannot be recovered."""

from __future__ import annotations

import typer

from aggregator.cli.options import Partition, Reason, Sequence, refuse
from aggregator.processes.command_resources import command_pool
from aggregator.processes.startup import load_settings
from aggregator.settings import AggregatorSettings
from aggregator.tallies.quarantine_resolution import Resolution, ResolutionOutcome, skip_event
from lifecycle.command import run_command

app = typer.Typer()


@app.command()
def skip(partition: Partition, sequence: Sequence, reason: Reason) -> None:
    """Skip an event that cannot be recovered: the only way past a record that stays unreadable."""
    settings, _ = load_settings("aggregator-skip")
    resolution = run_command(_skip(settings, partition, sequence, reason))
    if resolution.outcome is not ResolutionOutcome.SKIPPED:
        refuse(f"not skipped: the position of partition {partition} is not {sequence - 1}")
    typer.echo(f"skipped: partition {partition}, sequence {sequence} is not in the counts")


async def _skip(settings: AggregatorSettings, partition: int, sequence: int, note: str) -> Resolution:
    async with command_pool(settings, "skip") as pool:
        return await skip_event(pool, partition, sequence, note)
