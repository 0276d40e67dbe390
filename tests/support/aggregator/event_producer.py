"""Produces made-up events to participant-events, in place of the relay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from tests.support.topic_prefixes import Topics

REGIONS = ["31.71.01.1001", "31.71.02.1003", "31.74.04.1002", "31.75.05.1004", "31.01.01.1001"]


def event_value(partition: int, sequence: int, **changes: Any) -> bytes:
    """Encode one `registered` event as JSON; each of `changes` replaces the top-level field of that name."""
    after: dict[str, Any] = {
        "region": REGIONS[sequence % len(REGIONS)],
        "agency": "ppkukm",
        "campaign": None,
        "steps": [],
    }
    event = {
        "specversion": "1.0",
        "id": f"0192{sequence:08x}-0000-7000-8000-{partition:012x}",
        "source": "/registration",
        "type": "id.jakpreneur.participant.registered.v1",
        "subject": f"0192{sequence:08x}-0000-7000-8000-{partition:012x}",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "datacontenttype": "application/json",
        "partition": partition,
        "sequence": sequence,
        "data": {
            "revision": 1,
            "before": None,
            "after": after,
            "occurred_at": "2021-10-24T19:04:58+07:00",
            "channel": "booth",
        },
    }
    return json.dumps({**event, **changes}).encode()


class EventProducer:
    """Sends events to one topic."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def send(self, partition: int, sequences: Iterable[int]) -> None:
        """Send the events with these sequences, in this order, and wait until the broker has stored them."""
        await self.send_values(partition, [event_value(partition, sequence) for sequence in sequences])

    async def send_values(self, partition: int, values: Iterable[bytes | None]) -> int:
        """Send these values; return the offset of the first."""
        pending = [await self._producer.send(self._topic, value, b"key", partition) for value in values]
        return int(min([(await acknowledgement).offset for acknowledgement in pending]))


@asynccontextmanager
async def event_producer(topics: Topics) -> AsyncIterator[EventProducer]:
    """Open a producer for this test's topic."""
    producer = AIOKafkaProducer(
        bootstrap_servers=topics.bootstrap_servers, linger_ms=5, compression_type="lz4"
    )
    await producer.start()
    try:
        yield EventProducer(producer, topics.name("participant-events"))
    finally:
        await producer.stop()
