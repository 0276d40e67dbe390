"""The topic participant-events in memory, which may lose data, and the relay's producer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.model.process_driver import Process
from tests.model.register import PARTITIONS


@dataclass(slots=True)
class TopicRecord:
    """A record as a consumer receives it. `sequence` is None if the record is no event of the register."""

    offset: int
    value: bytes | None
    sequence: int | None


class Topic:
    """The records of each partition from its first available offset."""

    def __init__(self) -> None:
        self.logs: list[list[TopicRecord]] = [[] for _ in range(PARTITIONS)]
        self.first = [0] * PARTITIONS
        self.highest = [0] * PARTITIONS
        self.has_gap = [False] * PARTITIONS
        """For each partition, whether a sequence came before the next lower one, not because of a loss."""
        self.lost_up_to = [0] * PARTITIONS
        """For each partition, the sequence up to which events may be missing or out of order after a loss."""
        self.delayed: list[Callable[[], None]] = []
        """Produce requests that arrive long after their sender failed or died."""

    def end(self, partition: int) -> int:
        """Return the offset that the next appended record gets."""
        return self.first[partition] + len(self.logs[partition])

    def append(self, partition: int, sequence: int | None, value: bytes | None) -> None:
        """Append a record."""
        self.logs[partition].append(TopicRecord(self.end(partition), value, sequence))
        if sequence is not None:
            if sequence > self.highest[partition] + 1:
                self.has_gap[partition] = True
            self.highest[partition] = max(self.highest[partition], sequence)

    def fetch(self, partition: int, offset: int, records_max: int) -> Sequence[TopicRecord]:
        """Return records from an offset on, or from the first record if the offset is out of range."""
        if not self.first[partition] <= offset <= self.end(partition):
            offset = self.first[partition]
        start = offset - self.first[partition]
        return self.logs[partition][start : start + records_max]

    def lose_tail(self, partition: int, records: int) -> None:
        """Lose the newest records, even if they were acknowledged."""
        if self.logs[partition]:
            self.lost_up_to[partition] = self.highest[partition]
            del self.logs[partition][-records:]

    def empty(self, partition: int) -> None:
        """Delete all records. Later records continue the offsets of the deleted records."""
        if self.logs[partition]:
            self.lost_up_to[partition] = self.highest[partition]
            self.first[partition] = self.end(partition)
            self.logs[partition] = []

    def deliver_delayed(self) -> None:
        """Let the oldest delayed request arrive at the topic."""
        if self.delayed:
            self.delayed.pop(0)()


@dataclass
class Batch:
    """A batch with room for two records. It stands for a real batch, whose size in bytes is limited."""

    records: list[bytes] = field(default_factory=list)

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: object) -> object | None:
        if len(self.records) == 2:
            return None
        self.records.append(value)
        return self

    def close(self) -> None:
        """Do nothing, because there is nothing to close in memory."""


class Producer:
    """The producer of one process. It sends each batch in one request."""

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

        self._process.pending_request = arrive
        await self._process.driver.interruption_point()
        self._process.pending_request = None
        arrive()
        await self._process.driver.interruption_point()
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def abandon(self) -> None:
        """Do nothing, because there is nothing to close in memory."""
