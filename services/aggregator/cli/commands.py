"""What an operator can do by command: rebuild, look at the quarantine, apply or skip an event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from aggregator.decoding.decoder import install_decoder
from aggregator.domain.event import Event
from aggregator.event_log import TOPIC, EventLog
from aggregator.rebuild import REBUILD_LEASE, Rebuild
from aggregator.settings import AggregatorSettings
from aggregator.tallies.postgres_tally_store import QUERIES
from aggregator.tallies.quarantine_resolution import Resolution, apply, change_from_file, skip
from database.pool import connect
from outbox.postgres_leases import Lease, new_holder
from settings.kafka import KafkaSettings

LISTED_MAX: Final = 200


async def rebuild_now(settings: AggregatorSettings, kafka: KafkaSettings) -> int:
    """Count everything again beside the live counts and swap; the number of events.

    Raises CompiledMissing, and as `Rebuild.run`.
    """
    decode = install_decoder(settings.compiled)
    pool = await connect(settings.database, application_name="aggregator rebuild", max_size=6)
    try:
        topic = EventLog(kafka.client_options(), kafka.topic(TOPIC))
        return await Rebuild(pool, topic, Lease(pool, REBUILD_LEASE, new_holder()), decode).run()
    finally:
        pool.terminate()


async def list_quarantine(settings: AggregatorSettings) -> list[str]:
    """One line per quarantined record, the outstanding ones first."""
    pool = await connect(settings.database, application_name="aggregator quarantine")
    try:
        return [
            f"{row['partition']:>2}  {row['event_sequence'] or '-':>12}  offset {row['kafka_offset']:<10}"
            f"  {row['state']:<11}  {row['reason']:<12}  {row['at']:%Y-%m-%d %H:%M:%SZ}"
            async for row in QUERIES.listed(pool, rows_max=LISTED_MAX)
        ]
    finally:
        pool.terminate()


async def show_quarantined(settings: AggregatorSettings, partition: int, sequence: int) -> str | None:
    """Everything stored about one event; never its payload."""
    pool = await connect(settings.database, application_name="aggregator quarantine")
    try:
        row = await QUERIES.quarantined(pool, partition=partition, sequence=sequence)
        return None if row is None else json.dumps(dict(row), default=str, indent=2)
    finally:
        pool.terminate()


async def apply_quarantined(
    settings: AggregatorSettings,
    kafka: KafkaSettings,
    place: tuple[int, int],
    change: Path | None,
    note: str,
) -> Resolution:
    """Count a quarantined event: as a file describes it, else as this version reads it from the topic."""
    partition, sequence = place
    pool = await connect(settings.database, application_name="aggregator quarantine")
    try:
        value: Event | bytes | None = None
        if change is not None:
            value = change_from_file(change, partition, sequence)
        elif row := await QUERIES.quarantined(pool, partition=partition, sequence=sequence):
            async with EventLog(kafka.client_options(), kafka.topic(TOPIC)).opened() as topic:
                value = await topic.record_at(partition, row["kafka_offset"])
        return await apply(pool, partition, sequence, value, note)
    finally:
        pool.terminate()


async def skip_event(settings: AggregatorSettings, partition: int, sequence: int, note: str) -> Resolution:
    """Pass over an event that cannot be had."""
    pool = await connect(settings.database, application_name="aggregator skip")
    try:
        return await skip(pool, partition, sequence, note)
    finally:
        pool.terminate()
