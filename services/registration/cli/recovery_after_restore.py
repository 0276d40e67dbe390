"""Restarts the topic of events from a restored register (`registration recover`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cuts.topic_readers import follow_cuts
from database.pool import connect
from kafka.record_deletion import delete_all_records
from kafka.settings import KafkaSettings
from lifecycle.command import run_command
from registration.cli.command_runner import CommandRefusedError, exit_1_if_refused, set_up
from registration.domain.participant_partition import PARTITIONS
from registration.relay.outbox_source import TOPIC
from registration.relay.recovery_after_restore import recover as recover_topic
from registration.relay.recovery_progress import NewEpoch, published_epoch, wait_until_counted
from registration.settings import RegisterSettings
from settings.loader import load

if TYPE_CHECKING:
    import asyncpg


def recover(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")] = False,
    wait_s: Annotated[
        float, typer.Option(min=0, help="How long to wait until all events are counted again, at most")
    ] = 600.0,
) -> None:
    """Continue from a restored register.

    This empties the topic of events. Then all events of the register are published and counted again. The
    command prints what this waits for. If the command ends earlier, publishing and counting go on without it.
    """
    settings, kafka = load(RegisterSettings, KafkaSettings)
    set_up(settings)
    if not yes:
        typer.echo(
            f"This empties {kafka.topic(TOPIC)} on {kafka.bootstrap_servers}; then all events are published "
            "and counted again."
        )
        typer.confirm("Is this the register to continue from?", abort=True)
    with exit_1_if_refused():
        run_command(_recover(settings, kafka, wait_s))


async def _recover(settings: RegisterSettings, kafka: KafkaSettings, wait_s: float) -> None:
    pool = await connect(settings.database, service="registration", application_name="registration recover")
    empty_topic = partial(delete_all_records, kafka, TOPIC, range(PARTITIONS))
    try:
        epoch = await recover_topic(pool, partial(published_epoch, kafka), empty_topic)
        typer.echo(
            f"The topic is empty. The relay publishes all events again, under epoch {epoch.number}. "
            "The board keeps the former counts until these events are counted."
        )
        if wait_s:
            await _wait(pool, kafka, epoch, wait_s)
    finally:
        await pool.close()


async def _wait(pool: asyncpg.Pool[Any], kafka: KafkaSettings, epoch: NewEpoch, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await wait_until_counted(pool, follow_cuts(kafka), epoch, partial(typer.echo, err=True))
    except TimeoutError as error:
        raise CommandRefusedError("Not all events are counted yet; publishing and counting go on.") from error
    typer.echo(f"The counts of epoch {epoch.number} are published.")
