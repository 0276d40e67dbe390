"""Writes cuts to the topic region-counts, as the publisher does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.support.topic_prefixes import Topics


@dataclass
class CutWriter:
    """Writes one cut per call. The arguments are the regions' counts, not their changes."""

    producer: Any
    topics: Topics
    term: int = 1
    cut: int = 0
    epoch: int = 1
    full_offset: int = -1
    counts: dict[str, int] = field(default_factory=dict)

    async def full(self, *, peaks: Sequence[Sequence[Any]] = (), **counts: int) -> None:
        """Write a full record. The argument `_31_71=5` sets the count of region 31.71 to 5."""
        self.cut += 1
        self.counts.update({_code(name): count for name, count in counts.items()})
        offset = await self._send("full", None, self.counts, part=0, parts=1, peaks=peaks)
        self.full_offset = offset

    async def change(self, **counts: int) -> None:
        """Write a change record with the counts that differ from the previous cut."""
        self.cut += 1
        rows = {_code(name): count for name, count in counts.items()}
        self.counts.update(rows)
        await self._send("change", self.cut - 1, rows)

    async def _send(self, kind: str, base: int | None, rows: dict[str, int], **fields: Any) -> int:
        record: dict[str, Any] = {
            "cut": self.cut,
            "term": self.term,
            "kind": kind,
            "base": base,
            "as_of": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "positions": [self.cut] * 12,
            "gaps": [],
            "quarantined_ranges": [],
            "quarantined_total": 0,
            "generation": 1,
            "epoch": self.epoch,
            "full_offset": self.full_offset,
            "rows": [["all", region, "registered", count] for region, count in rows.items()],
            **fields,
        }
        sent = await self.producer.send_and_wait(
            self.topics.name("region-counts"), json.dumps(record).encode()
        )
        return int(sent.offset)

    async def milestones(self) -> list[dict[str, Any]]:
        """Return the crossings and retractions of the topic milestones."""
        partition = TopicPartition(self.topics.name("milestones"), 0)
        consumer = AIOKafkaConsumer(**self.topics.settings().client_options(), group_id=None)
        await consumer.start()
        try:
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            await consumer.seek_to_beginning(partition)
            found: list[dict[str, Any]] = []
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [json.loads(record.value) for record in records if record.key != b"rules"]
            return found
        finally:
            await consumer.stop()


def _code(name: str) -> str:
    return name.removeprefix("_").replace("_", ".")


@asynccontextmanager
async def cut_writer(topics: Topics) -> AsyncIterator[CutWriter]:
    """Yield a writer, and close its producer at the end."""
    producer = AIOKafkaProducer(**topics.settings().client_options())
    await producer.start()
    try:
        yield CutWriter(producer, topics)
    finally:
        await producer.stop()
