"""Builds the aggregator's processes and commands from settings and starts them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from aggregator.settings import AggregatorSettings
from lifecycle.shutdown import StopSignal, run
from settings.kafka import KafkaSettings
from settings.loader import load
from telemetry import logs
from telemetry.failpoints import arm

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Counts participant events exactly once and publishes consistent cuts of the counts.",
)
quarantine = typer.Typer(no_args_is_help=True, help="Records that were not counted.")
app.add_typer(quarantine, name="quarantine")

Process = Callable[[AggregatorSettings, KafkaSettings, StopSignal], Awaitable[None]]
Partition = Annotated[int, typer.Option(min=0, max=11, help="Partition of participant-events.")]
Sequence = Annotated[int, typer.Option(min=1, help="Sequence of the event in its partition.")]
Reason = Annotated[str, typer.Option(help="Why, for those who come after; no personal data.")]


@app.command()
def worker() -> None:
    """Count events. Any number of workers share the partitions; one is enough."""
    from aggregator.processes.worker import (
        run_worker,  # Faust takes a second to import: only a worker pays for it
    )

    _run("aggregator-worker", run_worker)


@app.command()
def publisher() -> None:
    """Publish cuts of the counts. Several may run; one of them leads."""
    from aggregator.processes.publisher import run_publisher

    _run("aggregator-publisher", run_publisher)


@app.command()
def migrate() -> None:
    """Bring the schema up to date."""
    from database.migrations import migrate as bring_up_to_date

    settings = load(AggregatorSettings)
    logs.configure("aggregator-migrate", settings.log_level)
    bring_up_to_date("aggregator", settings.database)


@app.command()
def rebuild() -> None:
    """Count the whole topic again beside the live counts, then swap; published cuts never go back."""
    from aggregator.cli.commands import rebuild_now
    from aggregator.decoding.decoder import CompiledDecoderMissingError
    from aggregator.rebuild import RebuildImpossibleError, RebuildSupersededError

    settings, kafka = _command("aggregator-rebuild")
    try:
        events = asyncio.run(rebuild_now(settings, kafka))
    except (CompiledDecoderMissingError, RebuildImpossibleError, RebuildSupersededError) as error:
        _refuse(f"not rebuilt: {error}")
    typer.echo(f"rebuilt from {events} events")


@quarantine.command("list")
def list_them() -> None:
    """List records that were not counted: partition, sequence, offset, state, reason, time."""
    from aggregator.cli.commands import list_quarantine

    settings, _ = _command("aggregator-quarantine")
    lines = asyncio.run(list_quarantine(settings))
    typer.echo("\n".join(lines) or "nothing is quarantined")


@quarantine.command()
def show(partition: Partition, sequence: Sequence) -> None:
    """Show everything stored about one event; its payload is only in the topic."""
    from aggregator.cli.commands import show_quarantined

    settings, _ = _command("aggregator-quarantine")
    text = asyncio.run(show_quarantined(settings, partition, sequence))
    if text is None:
        _refuse(f"partition {partition}, sequence {sequence} is not quarantined")
    typer.echo(text)


@quarantine.command()
def apply(
    partition: Partition,
    sequence: Sequence,
    reason: Reason,
    change: Annotated[
        Path | None,
        typer.Option(help='File with {"time": …, "before": standing or null, "after": standing or null}.'),
    ] = None,
) -> None:
    """Count a quarantined event, once: as a file describes it, else as this version reads it."""
    from aggregator.cli.commands import apply_quarantined
    from aggregator.tallies.quarantine_resolution import ResolutionOutcome

    settings, kafka = _command("aggregator-quarantine")
    result = asyncio.run(apply_quarantined(settings, kafka, (partition, sequence), change, reason))
    if result.outcome is not ResolutionOutcome.APPLIED:
        _refuse(f"not applied: {result.outcome.value} {result.detail}".rstrip())
    typer.echo(f"applied: partition {partition}, sequence {sequence} is counted")


@app.command()
def skip(partition: Partition, sequence: Sequence, reason: Reason) -> None:
    """Pass over an event that cannot be had: the only way past one that stays unreadable."""
    from aggregator.cli.commands import skip_event
    from aggregator.tallies.quarantine_resolution import ResolutionOutcome

    settings, _ = _command("aggregator-skip")
    result = asyncio.run(skip_event(settings, partition, sequence, reason))
    if result.outcome is not ResolutionOutcome.SKIPPED:
        _refuse(f"not skipped: the position of partition {partition} is not {sequence - 1}")
    typer.echo(f"skipped: partition {partition}, sequence {sequence} is not in the counts")


def _command(name: str) -> tuple[AggregatorSettings, KafkaSettings]:
    settings, kafka = load(AggregatorSettings, KafkaSettings)
    logs.configure(name, settings.log_level)
    arm(settings.crash_at)
    return settings, kafka


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _run(name: str, process: Process) -> None:
    settings, kafka = _command(name)
    code = 0
    try:
        run(lambda stopping: process(settings, kafka, stopping))
    except Exception as error:
        logs.get().error("process failed", error=type(error).__name__, reason=str(error)[:300])
        code = 1
    except SystemExit as refused:  # the port is taken
        logs.get().error("process refused", reason=str(refused))
        code = 3
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread of Faust's that hangs must not keep the process


if __name__ == "__main__":
    app()
