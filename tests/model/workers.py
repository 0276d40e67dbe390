"""The aggregator's database in memory, and workers that count with the product's BatchCounter."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aggregator.domain.event import UnsequencedRecord
from aggregator.domain.roll_up import TallyChanges
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.tally_store import PartitionPosition, PositionChange, TallyStore
from tests.model.event_topic import Topic, TopicRecord
from tests.model.process_driver import CoroutineDriver, InjectedFailureError, InterruptionPoint, Process
from tests.model.register import PARTITIONS, Cell
from tests.support.fakes.tally_store import MemoryTallyStore

NOW = datetime(2021, 10, 24, 13, tzinfo=UTC)
Changed = tuple[int, int, frozenset[Cell]]
"""(partition, position, keys of the tallies changed by the fetch that ended at this position)"""


class TallyDatabase:
    """The aggregator's tallies, positions and quarantine, and the tallies that each fetch has changed."""

    def __init__(self) -> None:
        self.tallies = MemoryTallyStore()
        self.changed: list[Changed] = []
        self.quarantined: set[tuple[int, int]] = set()
        self.version = 0
        """The number of changes so far."""

    @property
    def positions(self) -> tuple[int, ...]:
        """The last counted sequence of each partition."""
        return tuple(self.tallies.stored[partition].sequence for partition in range(PARTITIONS))

    @property
    def next_offsets(self) -> tuple[int, ...]:
        """The offset at which workers continue to read each partition."""
        return tuple(self.tallies.stored[partition].offset for partition in range(PARTITIONS))

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        """Change the positions and the tallies at once, as the product's statement does."""
        moved = await self.tallies.count(position_changes, tally_changes)
        if moved:
            self.record_change(position_changes, tally_changes)
        return moved

    def record_change(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> None:
        """Store the quarantined events, and the changed tallies with one partition's new position."""
        self.version += 1
        first = min(position_changes)
        self.changed.append((first, position_changes[first].fold.last, frozenset(tally_changes.changes)))
        for partition, change in position_changes.items():
            self.quarantined |= {(partition, bad.sequence) for bad in change.fold.quarantined}


class TallyClient:
    """One worker's access to the database; see `aggregator.tallies.tally_store.TallyStore`."""

    def __init__(self, stored: TallyDatabase, interruption_point: InterruptionPoint) -> None:
        self._stored = stored
        self._interruption_point = interruption_point

    async def positions(self) -> Mapping[int, PartitionPosition]:
        await self._interruption_point()
        return await self._stored.tallies.positions()

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        await self._interruption_point()
        moved = await self._stored.count(position_changes, tally_changes)
        await self._interruption_point()
        return moved

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        await self._stored.tallies.record_gap(partition, position, sequence)

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        await self._stored.tallies.quarantine_unsequenced(partition, records)


class Worker(Process):
    """A worker that reads every partition, as if it had not noticed a rebalance."""

    def __init__(self, stored: TallyDatabase, topic: Topic) -> None:
        super().__init__(CoroutineDriver())
        self._stored = stored
        self._topic = topic
        self.reset()

    def reset(self) -> None:
        self.offsets: dict[int, int] | None = None
        self._counter = BatchCounter(self.tally_store(self._stored), self._seek)

    def has_read_all(self) -> bool:
        """Whether the worker has read every record."""
        return self.offsets is not None and not any(
            self._topic.fetch(partition, self.offsets[partition], 1) for partition in range(PARTITIONS)
        )

    def tally_store(self, stored: TallyDatabase) -> TallyStore:
        """Return the store with which the worker counts."""
        return TallyClient(stored, self.driver.interruption_point)

    def _seek(self, partition: int, offset: int) -> None:
        assert self.offsets is not None, "a batch before the offsets were loaded"
        self.offsets[partition] = offset

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work(choice)

    async def _work(self, choice: int) -> None:
        if self.offsets is None:
            with suppress(InjectedFailureError):
                self.offsets = dict(await self._counter.load_offsets())
            return
        fetched = self._fetch(choice, self.offsets)
        while fetched:
            try:
                await self._counter.count_fetch(fetched)
            except InjectedFailureError:
                continue
            return

    def _fetch(self, choice: int, offsets: dict[int, int]) -> dict[int, Sequence[TopicRecord]]:
        shift, records_max = _SHIFTS[(choice >> 2) % len(_SHIFTS)], 1 + (choice >> 5)
        fetched = {}
        for partition in _PARTITIONS_FETCHED[choice % len(_PARTITIONS_FETCHED)]:
            batch = self._topic.fetch(partition, offsets[partition] + shift, records_max)
            if batch:
                fetched[partition] = batch
                offsets[partition] = batch[-1].offset + 1
        return fetched


_PARTITIONS_FETCHED = ((0, 1), (0,), (1,), (0, 1))
_SHIFTS = (0, 0, 0, 0, 0, -1, -3, 1)
"""Most fetches continue where the previous fetch ended. Some overlap with it, and some skip a record."""
