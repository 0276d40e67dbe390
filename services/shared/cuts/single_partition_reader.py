"""Reads the offset bounds and the records of a topic with one partition, without a consumer group."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

ANSWER_S_MAX: Final = 10.0
TOPIC_PAUSE_S: Final = 0.5
RECORDS_MAX: Final = 500


class KafkaAccess(Protocol):
    """The interface to the Kafka settings; `settings.kafka.KafkaSettings` implements it."""

    def client_options(self) -> dict[str, Any]:
        """Return the connection arguments of an aiokafka client."""

    def topic(self, name: str) -> str:
        """Return the topic's full name, with its prefix."""


class TopicLog:
    """Partition 0 of one topic. Every call returns within ANSWER_S_MAX or raises TimeoutError."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._partition = TopicPartition(topic, 0)

    async def exists(self) -> bool:
        """Return whether the topic exists; the query does not create it."""
        async with asyncio.timeout(ANSWER_S_MAX):
            return self._partition.topic in await self._consumer.topics()

    def assign(self) -> None:
        """Assign the partition to this consumer, without a consumer group."""
        self._consumer.assign([self._partition])

    async def bounds(self) -> tuple[int, int]:
        """Return the offset of the oldest retained record, and the offset that the next new record gets."""
        async with asyncio.timeout(ANSWER_S_MAX):
            first = await self._consumer.beginning_offsets([self._partition])
            following = await self._consumer.end_offsets([self._partition])
        return first[self._partition], following[self._partition]

    async def offset_at(self, time: datetime) -> int | None:
        """Return the offset of the first record written at `time` or later; None without such a record."""
        async with asyncio.timeout(ANSWER_S_MAX):
            found = await self._consumer.offsets_for_times({self._partition: int(time.timestamp() * 1000)})
        return found[self._partition].offset if found[self._partition] else None

    def seek(self, offset: int) -> None:
        """Make the next `poll` start at `offset`."""
        self._consumer.seek(self._partition, offset)

    async def poll(self, wait_s: float) -> Sequence[Any]:
        """Return the next records, at most RECORDS_MAX; an empty list if none arrives within `wait_s`."""
        found: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
            self._partition, timeout_ms=int(wait_s * 1000), max_records=RECORDS_MAX
        )
        return found.get(self._partition, [])


@asynccontextmanager
async def open_topic_log(kafka: KafkaAccess, name: str) -> AsyncIterator[TopicLog]:
    """Connect, wait until topic `name` exists, and yield it. Raises KafkaError if no broker answers."""
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=int(ANSWER_S_MAX * 1000),
        retry_backoff_ms=200,
    )
    try:
        await consumer.start()
        log = TopicLog(consumer, kafka.topic(name))
        while not await log.exists():  # noqa: ASYNC110 - the broker does not announce new topics
            await asyncio.sleep(TOPIC_PAUSE_S)
        log.assign()
        yield log
    finally:
        await _stop(consumer)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Close the consumer, even after its broker has died.

    If a fetch is waiting for its retry, aiokafka's `stop` raises CancelledError. The caller would take this
    error for a cancellation of its task, and the process would end. Therefore this function suppresses the
    error, and closes the connections that `stop` left open.
    """
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        async with asyncio.timeout(ANSWER_S_MAX):
            await consumer._client.close()
