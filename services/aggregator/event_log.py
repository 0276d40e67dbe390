"""Reads participant-events from its first record on, without a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.domain.counting import PARTITIONS
from aggregator.domain.event import Record

TOPIC: Final = "participant-events"
FETCH_BYTES_MAX: Final = 4 << 20
RECORDS_MAX: Final = 5_000
WAIT_MS: Final = 200
ANSWER_S_MAX: Final = 10.0


class EventLog:
    """The topic as a log; use it inside `async with log.opened()`."""

    def __init__(self, client_options: Mapping[str, Any], topic: str) -> None:
        self._options = client_options
        self._partitions = [TopicPartition(topic, one) for one in range(PARTITIONS)]
        self._consumer: AIOKafkaConsumer | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[EventLog]:
        """Connect, and begin at the first record of each partition. Raises KafkaError."""
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
        """The next records per partition; none where nothing comes for a moment."""
        assert self._consumer is not None, "the log is not open"
        found = await self._consumer.getmany(timeout_ms=WAIT_MS)
        return {one.partition: cast("Sequence[Record]", records) for one, records in found.items()}

    async def at_end(self) -> bool:
        """Whether every record there is now has been fetched."""
        assert self._consumer is not None, "the log is not open"
        ends = await self._consumer.end_offsets(self._partitions)
        positions = [await self._consumer.position(one) for one in self._partitions]
        return all(here >= ends[one] for one, here in zip(self._partitions, positions, strict=True))

    async def record_at(self, partition: int, offset: int) -> bytes | None:
        """The value of one record, None where it is not there any more."""
        assert self._consumer is not None, "the log is not open"
        where = self._partitions[partition]
        self._consumer.seek(where, offset)
        async with asyncio.timeout(ANSWER_S_MAX):
            while not (records := (await self._consumer.getmany(where, timeout_ms=WAIT_MS)).get(where)):
                ends = await self._consumer.end_offsets([where])
                if offset >= ends[where]:
                    return None
        value: bytes | None = records[0].value if records[0].offset == offset else None
        return value
