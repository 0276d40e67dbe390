"""Publishes cuts to the topic `region-counts`, in place of the publisher process."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from tests.support.samples.quarantine import ranges_of
from tests.support.topic_prefixes import Topics

RANGES_MAX = 10_000
Cell = tuple[str, str, str]
"""Scope, region and measure of a tally."""


class CutPublisher:
    """Publishes each cut as a full record, with the quarantined events in parts of RANGES_MAX ranges."""

    def __init__(self, topics: Topics) -> None:
        self._topic = topics.name("region-counts")
        self._minutes_topic = topics.name("region-minutes")
        self._producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)

    async def __aenter__(self) -> CutPublisher:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def publish_minute(
        self,
        positions: tuple[Sequence[int], Sequence[int]],
        growth: Mapping[str, Mapping[str, int]],
        minute: str = "2021-10-24T12:04:00Z",
    ) -> None:
        """Publish the growth per scope and region between two positions; the scope `all` is the last."""
        since, upto = (
            {"cut": "1.1", "as_of": minute, "generation": 1, "epoch": 1, "positions": list(at)}
            for at in positions
        )
        for scope in sorted(growth, key=lambda scope: (scope == "all", scope)):
            record = {
                "scope": scope,
                "minute": minute,
                "term": 1,
                "from": since,
                "to": upto,
                "late": False,
                "rows": list(growth[scope].items()),
            }
            await self._producer.send_and_wait(
                self._minutes_topic, json.dumps(record).encode(), f"{scope}|{minute}".encode()
            )

    async def publish(
        self,
        cut: int,
        positions: Sequence[int],
        counts: Mapping[Cell, int],
        quarantined: Collection[tuple[int, int]] = (),
        unnamed: int = 0,
        epoch: int = 1,
        next_offsets: Sequence[int] = (0,) * 12,
    ) -> None:
        """Publish a cut as a full record.

        Quarantined events are given as (partition, sequence). `unnamed` more events are quarantined, but the
        record does not name them.
        """
        ranges = ranges_of(quarantined)
        full: dict[str, Any] = {
            "cut": cut,
            "term": 1,
            "kind": "full",
            "base": None,
            "parts": max(1, -(-len(ranges) // RANGES_MAX)),
            "as_of": "2021-10-24T12:05:00Z",
            "positions": list(positions),
            "next_offsets": list(next_offsets),
            "gaps": [],
            "quarantined_total": len(quarantined) + unnamed,
            "generation": 1,
            "epoch": epoch,
            "full_offset": -1,
        }
        rows = [[*cell, count] for cell, count in counts.items()]
        for part in range(full["parts"]):
            share = ranges[part * RANGES_MAX : (part + 1) * RANGES_MAX]
            record = {**full, "part": part, "quarantined_ranges": share, "rows": [] if part else rows}
            await self._producer.send_and_wait(self._topic, json.dumps(record).encode(), partition=0)
