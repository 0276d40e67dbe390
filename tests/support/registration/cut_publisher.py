"""Publishes cuts to the topic `region-counts`, in place of the publisher process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer

from tests.support.topic_prefixes import Topics

Cell = tuple[str, str, str]
"""Scope, region and measure of a tally."""


class CutPublisher:
    """Publishes each cut as one full record."""

    def __init__(self, topics: Topics) -> None:
        self._topic = topics.name("region-counts")
        self._producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)

    async def __aenter__(self) -> CutPublisher:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def publish(
        self,
        cut: int,
        positions: Sequence[int],
        counts: Mapping[Cell, int],
        quarantined: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Publish a cut as a full record. Quarantined events are given as (partition, sequence)."""
        full = {
            "cut": cut,
            "term": 1,
            "kind": "full",
            "base": None,
            "part": 0,
            "parts": 1,
            "as_of": "2021-10-24T12:05:00Z",
            "positions": list(positions),
            "gaps": [],
            "quarantined": list(quarantined),
            "quarantined_total": len(quarantined),
            "generation": 1,
            "full_offset": -1,
            "rows": [[*cell, count] for cell, count in counts.items()],
        }
        await self._producer.send_and_wait(self._topic, json.dumps(full).encode(), partition=0)
