"""Restarts the topic of events from a restored register (`registration recover`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import typer

from database.pool import connect
from kafka.record_deletion import delete_all_records
from kafka.settings import KafkaSettings
from registration.cli.command_runner import set_up
from registration.domain.participant_partition import PARTITIONS
from registration.relay.outbox_source import TOPIC
from registration.relay.recovery_after_restore import recover as recover_topic
from registration.settings import RegisterSettings
from settings.loader import load


def recover(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")] = False,
) -> None:
    """Continue from a restored register.

    This empties the topic of events. Then all events of the register are published and counted again.
    """
    settings, kafka = load(RegisterSettings, KafkaSettings)
    set_up(settings)
    if not yes:
        typer.echo(
            f"This empties {kafka.topic(TOPIC)} on {kafka.bootstrap_servers}; then all events are published "
            "and counted again."
        )
        typer.confirm("Is this the register to continue from?", abort=True)
    epoch = asyncio.run(_recover(settings, kafka))
    typer.echo(f"The topic is empty; the relay publishes all events again, under epoch {epoch}.")


async def _recover(settings: RegisterSettings, kafka: KafkaSettings) -> int:
    pool = await connect(settings.database, application_name="registration recover")
    try:
        return await recover_topic(pool, partial(delete_all_records, kafka, TOPIC, range(PARTITIONS)))
    finally:
        await pool.close()
