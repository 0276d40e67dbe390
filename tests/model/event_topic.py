"""The topic participant-events in memory, what befalls it, and the producer that the relay writes with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.model.interruption_points import Process
from tests.model.register import PARTITIONS


@dataclass(slots=True)
class Kept:
    """One record as a consumer is handed it; `sequence` is None where no event of ours is in it."""

    offset: int
    value: bytes | None
    sequence: int | None


class Topic:
    """The log of each partition from its first offset on."""

    def __init__(self) -> None:
        self.logs: list[list[Kept]] = [[] for _ in range(PARTITIONS)]
        self.first = [0] * PARTITIONS
        self.highest = [0] * PARTITIONS
        self.holed = [False] * PARTITIONS
        """Whether a sequence was appended before the one below it, in a partition that lost nothing."""
        self.lost_to = [0] * PARTITIONS
        """Up to this sequence events may be missing, or stand behind higher ones: they were lost once."""
        self.late: list[Callable[[], None]] = []
        """Requests that arrive long after the one who sent them gave up or died."""

    def end(self, partition: int) -> int:
        """The offset of the next record."""
        return self.first[partition] + len(self.logs[partition])

    def append(self, partition: int, sequence: int | None, value: bytes | None) -> None:
        """One record more."""
        self.logs[partition].append(Kept(self.end(partition), value, sequence))
        if sequence is not None:
            if sequence > self.highest[partition] + 1:
                self.holed[partition] = True
            self.highest[partition] = max(self.highest[partition], sequence)

    def fetch(self, partition: int, offset: int, records_max: int) -> Sequence[Kept]:
        """Records from an offset on; from the first one where the offset lies outside the log."""
        if not self.first[partition] <= offset <= self.end(partition):
            offset = self.first[partition]
        start = offset - self.first[partition]
        return self.logs[partition][start : start + records_max]

    def lose_tail(self, partition: int, records: int) -> None:
        """The newest records are gone, acknowledged or not."""
        if self.logs[partition]:
            self.lost_to[partition] = self.highest[partition]
            del self.logs[partition][-records:]

    def empty(self, partition: int) -> None:
        """Truncated: all that was there is gone, and offsets go on."""
        if self.logs[partition]:
            self.lost_to[partition] = self.highest[partition]
            self.first[partition] = self.end(partition)
            self.logs[partition] = []

    def deliver_late(self) -> None:
        """The oldest late request arrives after all."""
        if self.late:
            self.late.pop(0)()


@dataclass
class Batch:
    """Takes two records, like one that is full at so many bytes."""

    records: list[bytes] = field(default_factory=list)

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: object) -> object | None:
        if len(self.records) == 2:
            return None
        self.records.append(value)
        return self

    def close(self) -> None:
        """Nothing to do in memory."""


class Producer:
    """Sends a batch in one request, of one process."""

    def __init__(self, topic: Topic, process: Process, sequences: Mapping[bytes, int]) -> None:
        self._topic = topic
        self._process = process
        self._sequences = sequences

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, _topic: str, *, partition: int) -> asyncio.Future[Any]:
        records = [(self._sequences[value], value) for value in batch.records]

        def arrive() -> None:
            for sequence, value in records:
                self._topic.append(partition, sequence, value)

        self._process.on_its_way = arrive
        await self._process.driver.here()
        self._process.on_its_way = None
        arrive()
        await self._process.driver.here()
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def abandon(self) -> None:
        """Nothing to do in memory."""
