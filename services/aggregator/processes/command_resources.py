"""The composition root of the operator commands: opens their database pool and reads event records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aggregator.event_topic_reader import EVENT_TOPIC, EventTopicReader
from aggregator.settings import AggregatorSettings
from database.pool import connect
from settings.kafka import KafkaSettings

if TYPE_CHECKING:
    import asyncpg


@asynccontextmanager
async def command_pool(settings: AggregatorSettings, command: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """Open a pool whose connections carry the command's name; close the pool at the end of the block."""
    pool = await connect(settings.database, application_name=f"aggregator {command}")
    try:
        yield pool
    finally:
        pool.terminate()


async def read_event_record(kafka: KafkaSettings, partition: int, offset: int) -> bytes | None:
    """Return the value of one record of participant-events; None if the topic no longer has that record."""
    reader = EventTopicReader(kafka.client_options(), kafka.topic(EVENT_TOPIC))
    async with reader.opened() as topic:
        return await topic.record_at(partition, offset)
