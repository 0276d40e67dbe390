"""In-memory fakes for `outbox`: a lease table, a source of records, and a broker that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.abandonable_producer import OpenProducer
from kafka.leader_producer import LeaderProducer
from kafka.settings import KafkaSettings
from outbox.leadership import Leadership
from outbox.publisher import Pending, Record
from outbox.source import PublishedMove
from tests.support.manual_clock import ManualClock

OpenFake = Callable[[Mapping[str, Any], int], Awaitable[OpenProducer]]


class MemoryLeases:
    """A lease table in memory, whose time is a manual clock; see `LeaseTable`."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.rows: dict[str, tuple[str, int, float]] = {}

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        now = self._clock()
        held_by, term, until = self.rows.get(name, (holder, 1, now))
        if held_by != holder and until >= now:
            return None
        term += held_by != holder
        self.rows[name] = (holder, term, now + seconds)
        return term

    async def raise_term(self, name: str, holder: str, term: int, above: int) -> int | None:
        if not self.leads(name, term) or self.rows[name][0] != holder:
            return None
        self.rows[name] = (holder, above + 1, self.rows[name][2])
        return above + 1

    async def release(self, name: str, holder: str, term: int) -> None:
        if self.rows[name][:2] == (holder, term):
            self.rows[name] = (holder, term, float("-inf"))

    def leads(self, name: str, term: int) -> bool:
        """Return whether the lease has this term and has not expired."""
        row = self.rows.get(name)
        return row is not None and row[1] == term and row[2] > self._clock()


class MemoryTable:
    """A source that has, in each partition, the records with the sequences 1 to `last`; see `Source`."""

    def __init__(self, leases: MemoryLeases, name: str, partitions: int) -> None:
        self._leases = leases
        self._name = name
        self.last = [0] * partitions
        self.published = [0] * partitions

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        found = []
        for partition, (published, last) in enumerate(zip(self.published, self.last, strict=True)):
            records = [
                Record(s, b"k", str(s).encode())
                for s in range(published + 1, min(last, published + records_max) + 1)
            ]
            if records and partition not in skip:
                found.append(Pending(partition, published, records))
        return found

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        moved = 0
        for partition, expected, to in moves:
            if self._leases.leads(self._name, term) and self.published[partition] == expected:
                self.published[partition] = to
                moved += 1
        return moved


@dataclass
class MemoryBatch:
    """A batch that is full after `records_max` records. A real batch is full after a number of bytes."""

    records_max: int
    sequences: list[int] = field(default_factory=list)

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: object) -> object | None:
        if len(self.sequences) >= self.records_max:
            return None
        self.sequences.append(int(value))
        return self

    def close(self) -> None:
        """Do nothing, because there is nothing to close in memory."""


class MemoryBroker:
    """The sequences written to each partition, and the late batches, which may outlive their producer."""

    def __init__(self, partitions: int) -> None:
        self.logs: list[list[int]] = [[] for _ in range(partitions)]
        self.late_batches: list[tuple[int, list[int]]] = []
        self.next_fates: list[str] = []

    async def open(self, _options: Mapping[str, Any], _bytes: int) -> MemoryProducer:
        return MemoryProducer(self)

    def deliver(self) -> None:
        """Append the oldest late batch to the log of its partition."""
        if self.late_batches:
            partition, sequences = self.late_batches.pop(0)
            self.logs[partition].extend(sequences)


class MemoryProducer:
    """A producer. Each batch gets the first of the broker's `next_fates`, or `ok` if there is none.

    `ok`: the batch is written. `lost`: it is not written, and the producer gets an error. `unanswered`: it is
    written, but the producer gets an error. `late`: the producer gets an error; `deliver` writes the batch.
    """

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def create_batch(self) -> MemoryBatch:
        return MemoryBatch(records_max=2)

    async def send_batch(self, batch: MemoryBatch, _topic: str, *, partition: int) -> asyncio.Future[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        fate = self._broker.next_fates.pop(0) if self._broker.next_fates else "ok"
        if fate in ("ok", "unanswered"):
            self._broker.logs[partition].extend(batch.sequences)
        if fate == "late":
            self._broker.late_batches.append((partition, list(batch.sequences)))
        if fate == "ok":
            future.set_result(None)
        else:
            future.set_exception(ConnectionError(fate))
        return future

    async def abandon(self) -> None:
        """Do nothing, because there is nothing to close in memory."""


def has_gap(log: Sequence[int]) -> bool:
    """Return whether any sequence n appears before the sequence n - 1 has appeared."""
    highest = 0
    for sequence in log:
        if sequence > highest + 1:
            return True
        highest = max(highest, sequence)
    return False


def leader_producer(lease: Leadership, open_producer: OpenFake) -> LeaderProducer:
    """Return a leader's producer that opens fakes instead of connections."""
    return LeaderProducer(KafkaSettings(bootstrap_servers="127.0.0.1:1"), lease, open_producer=open_producer)


def leadership(leases: MemoryLeases, name: str, holder: str, clock: ManualClock) -> Leadership:
    """Return a process's leadership by a lease of 3 s in this table."""
    return Leadership(leases, name, holder, 3.0, clock)
