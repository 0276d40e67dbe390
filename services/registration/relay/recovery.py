"""Recovers from a restored register: empties the topic and has every event published and counted again.

The order of the steps makes an interrupted recovery safe to repeat:

1. It seizes the relay's lease, so that nothing is published meanwhile.
2. It resets the published positions to 0, and stores a reason for the relay to refuse publishing.
3. It empties the topic.
4. It raises the register's epoch. The aggregator then counts again from the start and accepts lower
   positions. It must never count the old topic under the new epoch.

If `recover` is interrupted, run it again. Until then the relay refuses to publish, or, if the topic matches
the register, may publish its events a second time.

Crash points: `recover.after_seize`, `recover.after_rewind`, `recover.after_emptying`,
`recover.after_epoch`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from database.sql_files import load_queries
from outbox.postgres_leases import new_holder
from registration.domain.participant_partition import PARTITIONS
from registration.relay.outbox_source import LEASE, RECOVERY_UNFINISHED, TOPIC
from settings.kafka import KafkaSettings
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

RECOVERY_S_MAX: Final = 50.0
LEASE_S: Final = 60.0
"""Longer than RECOVERY_S_MAX, so that no relay publishes before the recovery ends or releases the lease."""
HIGH_WATERMARK: Final = -1  # in a DeleteRecords request: delete all records

QUERIES: Final = load_queries("registration.store")


async def recover(pool: asyncpg.Pool[Any], kafka: KafkaSettings) -> int:
    """Empty the topic, so that all events are published and counted again; return the new epoch.

    Raises TimeoutError, or an error of Kafka or PostgreSQL, after which it must be repeated.
    """
    holder = new_holder()
    try:
        async with asyncio.timeout(RECOVERY_S_MAX):
            return await _recover(pool, kafka, holder)
    finally:
        await QUERIES.recover_release_lease(pool, name=LEASE, holder=holder)


async def _recover(pool: asyncpg.Pool[Any], kafka: KafkaSettings, holder: str) -> int:
    await QUERIES.recover_seize_lease(pool, name=LEASE, holder=holder, seconds=LEASE_S)
    failpoint("recover.after_seize")
    await QUERIES.recover_rewind(pool, reason=RECOVERY_UNFINISHED)
    failpoint("recover.after_rewind")
    await empty_topic(kafka)
    failpoint("recover.after_emptying")
    epoch: int = await QUERIES.recover_begin_epoch(pool)
    failpoint("recover.after_epoch")
    log.info("register recovered", epoch=epoch)
    return epoch


async def empty_topic(kafka: KafkaSettings) -> None:
    """Delete every record of the topic of events. Offsets continue from their current values."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        topic = kafka.topic(TOPIC)
        await admin.delete_records(
            {TopicPartition(topic, p): RecordsToDelete(HIGH_WATERMARK) for p in range(PARTITIONS)}
        )
    finally:
        await admin.close()
