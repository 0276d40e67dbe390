"""The commands `quarantine list`, `quarantine show` and `quarantine apply`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from aggregator.cli.options import Partition, Reason, Sequence, refuse
from aggregator.domain.cut_record import utc_text
from aggregator.domain.event import Event
from aggregator.processes.command_resources import command_pool, read_event_record
from aggregator.processes.startup import load_settings
from aggregator.settings import AggregatorSettings
from aggregator.tallies.quarantine_resolution import (
    Resolution,
    ResolutionOutcome,
    apply_event,
    change_from_file,
)
from aggregator.tallies.queries import QUERIES
from kafka.settings import KafkaSettings
from lifecycle.command import run_command

PROCESS: Final = "aggregator-quarantine"
PAGE_ROWS: Final = 1_000

app = typer.Typer(no_args_is_help=True, help="Records that were not counted.")


@app.command("list")
def list_records(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, with the note.")] = False,
) -> None:
    """List uncounted records, oldest first: partition, sequence, offset, state, reason, time."""
    settings, _ = load_settings(PROCESS)
    if not run_command(_list(settings, _json_line if as_json else _text_line)):
        typer.echo("nothing is quarantined", err=as_json)


@app.command()
def show(partition: Partition, sequence: Sequence) -> None:
    """Show everything stored about one event; its payload is only in the topic."""
    settings, _ = load_settings(PROCESS)
    text = run_command(_show(settings, partition, sequence))
    if text is None:
        refuse(f"partition {partition}, sequence {sequence} is not quarantined")
    typer.echo(text)


@app.command()
def apply(
    partition: Partition,
    sequence: Sequence,
    reason: Reason,
    change: Annotated[
        Path | None,
        typer.Option(help='File with {"before": standing or null, "after": standing or null}.'),
    ] = None,
) -> None:
    """Count a quarantined event once.

    The event's content is read from the file if one is given, else from the topic's record.
    """
    settings, kafka = load_settings(PROCESS)
    file_event = None if change is None else change_from_file(change, partition, sequence)
    resolution = run_command(_apply(settings, kafka, (partition, sequence), file_event, reason))
    if resolution.outcome is not ResolutionOutcome.APPLIED:
        refuse(f"not applied: {resolution.outcome.value} {resolution.detail}".rstrip())
    typer.echo(f"applied: partition {partition}, sequence {sequence} is counted")


async def _list(settings: AggregatorSettings, line: Callable[[Mapping[str, Any]], str]) -> bool:
    """Print a line per record, and return whether there are any.

    Each page is one statement, because a reader of the output may pause longer than a transaction may.
    """
    after_id = 0
    async with command_pool(settings, "quarantine") as pool:
        while rows := [
            row async for row in QUERIES.list_quarantine(pool, after_id=after_id, rows_max=PAGE_ROWS)
        ]:
            typer.echo("\n".join(map(line, rows)))
            after_id = rows[-1]["id"]
    return after_id > 0


def _text_line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['partition']:>2}  {row['event_sequence'] or '-':>12}  offset {row['kafka_offset']:<10}"
        f"  {row['state']:<11}  {row['reason']:<12}  {row['at']:%Y-%m-%d %H:%M:%SZ}"
    )


def _json_line(row: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "partition": row["partition"],
            "sequence": row["event_sequence"],
            "offset": row["kafka_offset"],
            "reason": row["reason"],
            "state": row["state"],
            "note": row["note"],
            "at": utc_text(row["at"]),
        }
    )


async def _show(settings: AggregatorSettings, partition: int, sequence: int) -> str | None:
    async with command_pool(settings, "quarantine") as pool:
        row = await QUERIES.find_quarantined(pool, partition=partition, sequence=sequence)
        return None if row is None else json.dumps(dict(row), default=str, indent=2)


async def _apply(
    settings: AggregatorSettings,
    kafka: KafkaSettings,
    key: tuple[int, int],
    file_event: Event | None,
    note: str,
) -> Resolution:
    """Apply the event whose (partition, sequence) is `key`.

    The event is `file_event`; if that is None, it is read from the topic.
    """
    partition, sequence = key
    async with command_pool(settings, "quarantine") as pool:
        value: Event | bytes | None = file_event
        if file_event is None:
            row = await QUERIES.find_quarantined(pool, partition=partition, sequence=sequence)
            value = row and await read_event_record(kafka, partition, row["kafka_offset"])
        return await apply_event(pool, partition, sequence, value, note)
