"""Starts the topic over from a restored register: emptied, then sent again from the first event.

The order makes every interruption safe to repeat. The relay's lease is seized first, so nothing is sent
meanwhile; then `published` goes back to 0 with a reason to refuse beside it; then the topic is emptied; and
only then the epoch rises, on which the aggregator counts anew and accepts lower positions: it must never
count the old topic under the new epoch. Cut short, the relay goes on refusing (or sends a healthy topic's
events once more) and `recover` is run again.

Crash points: `recover.after_seize`, `recover.after_rewind`, `recover.after_emptying`,
`recover.after_epoch`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from database.queries import load_queries
from outbox.lease import new_holder
from registration.domain.partitioning import PARTITIONS
from registration.relay.event_source import LEASE, TOPIC, UNDER_WAY
from settings.kafka import KafkaSettings
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

SECONDS_MAX: Final = 50.0
LEASE_S: Final = 60.0
"""Longer than everything may take: no relay sends before this ends or gives the lease back."""
TO_THE_END: Final = -1

QUERIES: Final = load_queries("registration.store")


async def recover(pool: asyncpg.Pool[Any], kafka: KafkaSettings) -> int:
    """Empty the topic and have everything sent and counted again; the new epoch.

    Raises TimeoutError, or what Kafka or PostgreSQL raise: repeat it then.
    """
    holder = new_holder()
    try:
        async with asyncio.timeout(SECONDS_MAX):
            return await _recover(pool, kafka, holder)
    finally:
        await QUERIES.recover_give_back(pool, name=LEASE, holder=holder)


async def _recover(pool: asyncpg.Pool[Any], kafka: KafkaSettings, holder: str) -> int:
    await QUERIES.recover_seize(pool, name=LEASE, holder=holder, seconds=LEASE_S)
    failpoint("recover.after_seize")
    await QUERIES.recover_rewind(pool, reason=UNDER_WAY)
    failpoint("recover.after_rewind")
    await empty(kafka)
    failpoint("recover.after_emptying")
    epoch: int = await QUERIES.recover_begin_epoch(pool)
    failpoint("recover.after_epoch")
    log.info("register recovered", epoch=epoch)
    return epoch


async def empty(kafka: KafkaSettings) -> None:
    """Delete every record of the topic of events; offsets go on from where they were."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        topic = kafka.topic(TOPIC)
        await admin.delete_records(
            {TopicPartition(topic, p): RecordsToDelete(TO_THE_END) for p in range(PARTITIONS)}
        )
    finally:
        await admin.close()
