"""One partition of a topic, read without a consumer group: its bounds, and its records from an offset on."""

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
    """Where Kafka is and what topics are called there: `settings.kafka.KafkaSettings`."""

    def client_options(self) -> dict[str, Any]:
        """Arguments for a client of aiokafka."""

    def topic(self, name: str) -> str:
        """The name on the wire."""


class TopicLog:
    """Partition 0 of one topic. Every call is answered within ANSWER_S_MAX or raises."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._partition = TopicPartition(topic, 0)

    async def exists(self) -> bool:
        """Whether the broker knows the topic; asking does not create it."""
        async with asyncio.timeout(ANSWER_S_MAX):
            return self._partition.topic in await self._consumer.topics()

    def assign(self) -> None:
        """Read this partition from now on; no group is asked."""
        self._consumer.assign([self._partition])

    async def bounds(self) -> tuple[int, int]:
        """The offset of the first record kept, and of the next to come."""
        async with asyncio.timeout(ANSWER_S_MAX):
            first = await self._consumer.beginning_offsets([self._partition])
            following = await self._consumer.end_offsets([self._partition])
        return first[self._partition], following[self._partition]

    async def offset_at(self, time: datetime) -> int | None:
        """The offset of the first record written at `time` or later; None: there is none."""
        async with asyncio.timeout(ANSWER_S_MAX):
            found = await self._consumer.offsets_for_times({self._partition: int(time.timestamp() * 1000)})
        return found[self._partition].offset if found[self._partition] else None

    def seek(self, offset: int) -> None:
        """Let the next `poll` begin at `offset`."""
        self._consumer.seek(self._partition, offset)

    async def poll(self, wait_s: float) -> Sequence[Any]:
        """The next records, at most RECORDS_MAX; none when nothing comes within `wait_s`."""
        found: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
            self._partition, timeout_ms=int(wait_s * 1000), max_records=RECORDS_MAX
        )
        return found.get(self._partition, [])


@asynccontextmanager
async def opened(kafka: KafkaAccess, name: str) -> AsyncIterator[TopicLog]:
    """The log of topic `name`, once the topic exists. Raises KafkaError while no broker answers."""
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
        while not await log.exists():  # noqa: ASYNC110 - the broker tells nobody of new topics
            await asyncio.sleep(TOPIC_PAUSE_S)
        log.assign()
        yield log
    finally:
        await _stop(consumer)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Close the consumer, whatever state the broker's death left it in.

    aiokafka's `stop` raises CancelledError where a fetch was waiting to be tried again: taken for a
    cancellation of ours it would end the process. What `stop` then left open is closed here.
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
