"""Reads all records of all topics of a broker, without a consumer group."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from checks.surface.record_normalization import Record

POLL_MS = 200


class TopicReader:
    """Holds the records of all topics that were read so far; `refresh` reads the new records."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._records: dict[str, list[Record]] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def open(self) -> None:
        """Start to read all existing topics."""
        partitions = await self.partitions()
        self._records = {topic: [] for topic in partitions}
        await self._consumer.start()
        self._consumer.assign(
            [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
        )

    async def close(self) -> None:
        """Close the consumer."""
        await self._consumer.stop()

    async def partitions(self) -> dict[str, int]:
        """Return the number of partitions of each topic, without Kafka's internal topics."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            described = await admin.describe_topics(names)
            return {
                topic["topic"]: len(topic["partitions"])
                for topic in sorted(described, key=lambda topic: str(topic["topic"]))
            }
        finally:
            await admin.close()

    async def refresh(self) -> None:
        """Read up to the current end of every partition."""
        assigned = self._consumer.assignment()
        ends = await self._consumer.end_offsets(assigned)
        while behind := [
            partition for partition in assigned if await self._consumer.position(partition) < ends[partition]
        ]:
            found = await self._consumer.getmany(*behind, timeout_ms=POLL_MS)
            for partition, records in found.items():
                self._records[partition.topic].extend(_record(record) for record in records)

    def records(self, topic: str) -> list[Record]:
        """Return the records of a topic that were read so far."""
        return self._records[topic]

    def newest(self, topic: str) -> Any:
        """Return the JSON of the last record of a topic with one partition; None if there is no record."""
        records = self._records[topic]
        return records[-1].json() if records else None


def _record(record: Any) -> Record:
    return Record(
        record.partition,
        record.offset,
        _text(record.key),
        _text(record.value),
        tuple((name, content.decode()) for name, content in record.headers),
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace")
