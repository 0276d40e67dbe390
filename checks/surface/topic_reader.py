"""Everything that stands on the topics of a broker, read again and again without a consumer group."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from checks.surface.record_normalization import Record

POLL_MS = 200


class Journal:
    """The records of all topics so far; `refresh` reads what has come since."""

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
        """Begin to read all topics that there are now."""
        partitions = await self.partitions()
        self._records = {topic: [] for topic in partitions}
        await self._consumer.start()
        self._consumer.assign(
            [TopicPartition(topic, one) for topic, count in partitions.items() for one in range(count)]
        )

    async def close(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def partitions(self) -> dict[str, int]:
        """How many partitions each topic of the broker has, Kafka's own topics left out."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            described = await admin.describe_topics(names)
            return {
                topic["topic"]: len(topic["partitions"])
                for topic in sorted(described, key=lambda one: str(one["topic"]))
            }
        finally:
            await admin.close()

    async def refresh(self) -> None:
        """Read up to the present end of every partition."""
        assigned = self._consumer.assignment()
        ends = await self._consumer.end_offsets(assigned)
        while behind := [one for one in assigned if await self._consumer.position(one) < ends[one]]:
            found = await self._consumer.getmany(*behind, timeout_ms=POLL_MS)
            for partition, records in found.items():
                self._records[partition.topic].extend(_record(record) for record in records)

    def records(self, topic: str) -> list[Record]:
        """What was read of a topic."""
        return self._records[topic]

    def newest(self, topic: str) -> Any:
        """The JSON of the last record of a topic with one partition; None before the first."""
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
