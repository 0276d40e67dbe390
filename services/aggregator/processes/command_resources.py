"""The composition root of the operator commands: opens their database pool and reads event records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aggregator.settings import EVENT_TOPIC, AggregatorSettings
from database.pool import connect
from kafka.settings import KafkaSettings
from kafka.topic_reader import open_reader

if TYPE_CHECKING:
    import asyncpg

READ_S_MAX: Final = 10.0


@asynccontextmanager
async def command_pool(settings: AggregatorSettings, command: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """Open a pool whose connections carry the command's name; close the pool at the end of the block."""
    pool = await connect(settings.database, service="aggregator", application_name=f"aggregator {command}")
    try:
        yield pool
    finally:
        pool.terminate()


async def read_event_record(kafka: KafkaSettings, partition: int, offset: int) -> bytes | None:
    """Return the value of one record of participant-events; None if the topic no longer has that record.

    Raises KafkaError, or TimeoutError after READ_S_MAX seconds.
    """
    async with asyncio.timeout(READ_S_MAX), open_reader(kafka, EVENT_TOPIC, (partition,)) as topic:
        first, end = (await topic.bounds())[partition]
        if not first <= offset < end:
            return None
        topic.seek(offset, partition)
        records: Sequence[Any] = ()
        while not records:
            records = (await topic.poll(READ_S_MAX)).get(partition, ())
    value: bytes | None = records[0].value if records[0].offset == offset else None
    return value
