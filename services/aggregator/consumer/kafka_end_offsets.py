"""Reads a topic's end offsets from the broker, on a connection that is independent of Faust."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


class KafkaEndOffsets:
    """Implements `aggregator.consumer.stall_watchdog.EndOffsets`. It connects at the first request."""

    def __init__(self, client_options: Mapping[str, Any], topic: str) -> None:
        self._options = client_options
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None

    async def end_offsets(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `EndOffsets`. Raises KafkaError."""
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._options, group_id=None, request_timeout_ms=5_000)
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        topic_partitions = [TopicPartition(self._topic, partition) for partition in partitions]
        found = await self._consumer.end_offsets(topic_partitions)
        return {topic_partition.partition: offset for topic_partition, offset in found.items()}

    async def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
