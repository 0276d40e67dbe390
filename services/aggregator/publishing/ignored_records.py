"""Counts the records of the event topic that no worker counts, because their partition is unknown."""

from __future__ import annotations

import asyncio
from typing import Final

from aggregator.metrics import IGNORED
from kafka.settings import KafkaSettings
from kafka.topic_reader import open_reader

LAST_PARTITION: Final = 11
"""The register writes to the partitions 0 to LAST_PARTITION."""
EVERY_S: Final = 2.0


class IgnoredRecords:
    """The number of records in partitions above LAST_PARTITION, by the offsets of the broker."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self.count = 0

    async def follow_once(self) -> None:
        """Update `count` every EVERY_S seconds. Raises an error if the broker does not answer."""
        async with open_reader(self._kafka, self._topic, partitions=()) as topic:
            while True:
                bounds = await topic.bounds_above(LAST_PARTITION)
                self.count = sum(end - first for first, end in bounds.values())
                IGNORED.set(self.count)
                await asyncio.sleep(EVERY_S)
