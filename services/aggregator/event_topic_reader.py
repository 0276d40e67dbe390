"""Reads participant-events without a consumer group: all records from the first on, or one record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.domain.event import Record
from aggregator.domain.event_fold import PARTITIONS

EVENT_TOPIC: Final = "participant-events"
FETCH_BYTES_MAX: Final = 4 << 20
RECORDS_MAX: Final = 5_000
WAIT_MS: Final = 200
READ_S_MAX: Final = 10.0


class EventTopicReader:
    """Reads all partitions of the topic. Use it inside `async with reader.opened()`."""

    def __init__(self, client_options: Mapping[str, Any], topic: str) -> None:
        self._options = client_options
        self._partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        self._consumer: AIOKafkaConsumer | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[EventTopicReader]:
        """Connect and seek to the first record of each partition. Raises KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._options,
            group_id=None,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES_MAX,
            max_poll_records=RECORDS_MAX,
        )
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            await consumer.seek_to_beginning(*self._partitions)
            self._consumer = consumer
            yield self
        finally:
            self._consumer = None
            await consumer.stop()

    async def fetch(self) -> dict[int, Sequence[Record]]:
        """Return the next records per partition; an empty dictionary if no record arrives within WAIT_MS."""
        assert self._consumer is not None, "the reader is not open"
        found = await self._consumer.getmany(timeout_ms=WAIT_MS)
        return {
            topic_partition.partition: cast("Sequence[Record]", records)
            for topic_partition, records in found.items()
        }

    async def at_end(self) -> bool:
        """Return whether this reader has fetched every record that the topic has now."""
        assert self._consumer is not None, "the reader is not open"
        end_offsets = await self._consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            if await self._consumer.position(partition) < end_offsets[partition]:
                return False
        return True

    async def record_at(self, partition: int, offset: int) -> bytes | None:
        """Return the value of the record at `offset`; None if the topic no longer has that record.

        Raises TimeoutError if reading takes longer than READ_S_MAX seconds.
        """
        assert self._consumer is not None, "the reader is not open"
        source = self._partitions[partition]
        self._consumer.seek(source, offset)
        async with asyncio.timeout(READ_S_MAX):
            while not (records := (await self._consumer.getmany(source, timeout_ms=WAIT_MS)).get(source)):
                end_offsets = await self._consumer.end_offsets([source])
                if offset >= end_offsets[source]:
                    return None
        value: bytes | None = records[0].value if records[0].offset == offset else None
        return value
