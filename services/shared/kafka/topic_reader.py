"""Reads partitions of a topic without a consumer group: their bounds, and the records from any offset on."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from kafka.settings import KafkaSettings

ANSWER_S_MAX: Final = 10.0
NEWEST_S_MAX: Final = 20.0
TOPIC_PAUSE_S: Final = 0.5
RECORDS_MAX: Final = 500
FETCH_BYTES_MAX: Final = 1 << 20


class TopicReader:
    """Some partitions of one topic. Every call returns within ANSWER_S_MAX or raises TimeoutError.

    Seek to an offset in each partition before the first `poll`.
    """

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, partitions: Iterable[int]) -> None:
        self._consumer = consumer
        self._topic = topic
        self._partitions = [TopicPartition(topic, partition) for partition in partitions]
        self._next_offsets: dict[int, int] = {}

    async def exists(self) -> bool:
        """Return whether the topic exists; the query does not create it."""
        async with asyncio.timeout(ANSWER_S_MAX):
            return self._topic in await self._consumer.topics()

    def assign(self) -> None:
        """Assign the partitions to this consumer, without a consumer group."""
        self._consumer.assign(self._partitions)

    async def bounds(self) -> Mapping[int, tuple[int, int]]:
        """Return, per partition, the first retained offset, and the offset that the next new record gets."""
        return await self._bounds(self._partitions)

    async def bounds_above(self, partition: int) -> Mapping[int, tuple[int, int]]:
        """Return the bounds of all partitions of the topic above `partition`, read by this reader or not."""
        async with asyncio.timeout(ANSWER_S_MAX):
            await self._consumer._client.add_topic(self._topic)
            await self._consumer._client.force_metadata_update()
        found = self._consumer.partitions_for_topic(self._topic) or ()
        return await self._bounds(
            [TopicPartition(self._topic, above) for above in found if above > partition]
        )

    async def _bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[int, tuple[int, int]]:
        async with asyncio.timeout(ANSWER_S_MAX):
            first = await self._consumer.beginning_offsets(partitions)
            end = await self._consumer.end_offsets(partitions)
        return {tp.partition: (first[tp], end[tp]) for tp in partitions}

    async def offset_at(self, time: datetime, partition: int = 0) -> int | None:
        """Return the offset of the first record written at `time` or later; None without such a record."""
        tp = TopicPartition(self._topic, partition)
        async with asyncio.timeout(ANSWER_S_MAX):
            found = await self._consumer.offsets_for_times({tp: int(time.timestamp() * 1000)})
        return found[tp].offset if found[tp] else None

    def seek(self, offset: int, partition: int = 0) -> None:
        """Make the next `poll` read the partition from `offset` on."""
        self._consumer.seek(TopicPartition(self._topic, partition), offset)
        self._next_offsets[partition] = offset

    async def poll(self, wait_s: float) -> Mapping[int, Sequence[Any]]:
        """Return the next records per partition; an empty mapping if none arrives within `wait_s`."""
        found = await self._consumer.getmany(timeout_ms=int(wait_s * 1000))
        for tp in self._partitions:
            # After an aborted transaction the last offset is a marker, which is no record.
            self._next_offsets[tp.partition] = await self._consumer.position(tp)
        return {tp.partition: records for tp, records in found.items()}

    async def read(self, spans: Mapping[int, tuple[int, int]]) -> dict[int, list[Any]]:
        """Return the records of each partition from a start offset to an end offset, and some later records.

        `spans` has (start, end) for every partition of this reader. A start below the first retained offset
        is raised to it.
        """
        bounds = await self.bounds()
        for partition, (start, _) in spans.items():
            self.seek(max(bounds[partition][0], start), partition)
        ends = {partition: end for partition, (_, end) in spans.items()}
        found: dict[int, list[Any]] = {partition: [] for partition in spans}
        while not self.has_read(ends):
            for partition, records in (await self.poll(ANSWER_S_MAX)).items():
                found[partition] += records
        return found

    def has_read(self, ends: Mapping[int, int]) -> bool:
        """Return whether every record before these end offsets, keyed by partition, was polled."""
        return all(self._next_offsets[partition] >= end for partition, end in ends.items())


@asynccontextmanager
async def open_reader(
    kafka: KafkaSettings,
    name: str,
    partitions: Iterable[int] = (0,),
    *,
    records_max: int = RECORDS_MAX,
    fetch_bytes_max: int = FETCH_BYTES_MAX,
) -> AsyncIterator[TopicReader]:
    """Connect, wait until topic `name` exists, and yield a reader. Raises KafkaError if no broker answers.

    One `poll` returns at most `records_max` records. One fetch has at most `fetch_bytes_max` bytes per
    partition.
    """
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=records_max,
        max_partition_fetch_bytes=fetch_bytes_max,
        request_timeout_ms=int(ANSWER_S_MAX * 1000),
        retry_backoff_ms=200,
    )
    try:
        await consumer.start()
        reader = TopicReader(consumer, kafka.topic(name), partitions)
        while not await reader.exists():  # noqa: ASYNC110 - the broker does not announce new topics
            await asyncio.sleep(TOPIC_PAUSE_S)
        reader.assign()
        yield reader
    finally:
        await _stop(consumer)


async def newest_records(
    kafka: KafkaSettings, name: str, count: int, partitions: Iterable[int] = (0,)
) -> Mapping[int, Sequence[Any]]:
    """Return the last `count` records of each partition, oldest first, and later records if some arrive.

    An empty partition has an empty list. Raises KafkaError, or TimeoutError after NEWEST_S_MAX seconds.
    """
    partitions = tuple(partitions)
    async with asyncio.timeout(NEWEST_S_MAX), open_reader(kafka, name, partitions) as reader:
        bounds = await reader.bounds()
        return await reader.read({partition: (end - count, end) for partition, (_, end) in bounds.items()})


async def end_offset(kafka: KafkaSettings, name: str) -> int:
    """Return the offset that the next record of partition 0 gets. Raises KafkaError or TimeoutError.

    Waits until the topic exists.
    """
    async with open_reader(kafka, name) as reader:
        return (await reader.bounds())[0][1]


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Close the consumer, even after its broker has died.

    If a fetch is waiting for its retry, aiokafka's `stop` raises CancelledError. The caller would take this
    error for a cancellation of its task, and the process would end. Therefore this function closes the
    connections that `stop` left open, and suppresses the error unless the task is being cancelled.
    """
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await consumer.stop()
    except asyncio.CancelledError:
        async with asyncio.timeout(ANSWER_S_MAX):
            await consumer._client.close()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
