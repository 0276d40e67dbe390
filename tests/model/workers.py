"""A tally store in memory, and workers that count into it with the product's own batch counter."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aggregator.domain.event import UnsequencedRecord
from aggregator.domain.roll_up import TallyChanges
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.tally_store import PartitionPosition, PositionChange, TallyStore
from tests.model.event_topic import Kept, Topic
from tests.model.interruption_points import ByHand, CutError, Here, Process
from tests.model.register import PARTITIONS, Cell
from tests.support.fakes.tally_store import MemoryTallyStore

NOW = datetime(2021, 10, 24, 13, tzinfo=UTC)
Changed = tuple[int, int, frozenset[Cell]]
"""(partition, position, keys changed by a fetch that ended there)"""


class Stored:
    """The aggregator's database: tallies and positions, the keys each batch changed, what was quarantined."""

    def __init__(self) -> None:
        self.tallies = MemoryTallyStore()
        self.changed: list[Changed] = []
        self.quarantined: set[tuple[int, int]] = set()
        self.version = 0
        """Rises with each change."""

    @property
    def positions(self) -> tuple[int, ...]:
        """The last counted sequence of each partition."""
        return tuple(self.tallies.stored[partition].sequence for partition in range(PARTITIONS))

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        """The one statement."""
        moved = await self.tallies.count(position_changes, tally_changes)
        if moved:
            self.note(position_changes, tally_changes)
        return moved

    def note(self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges) -> None:
        """What else the statement writes; one of the positions stands for all that moved."""
        self.version += 1
        first = min(position_changes)
        self.changed.append((first, position_changes[first].fold.last, frozenset(tally_changes.changes)))
        for partition, change in position_changes.items():
            self.quarantined |= {(partition, bad.sequence) for bad in change.fold.quarantined}


class Asked:
    """The database as one worker asks it; see `aggregator.tallies.tally_store.TallyStore`."""

    def __init__(self, stored: Stored, here: Here) -> None:
        self._stored = stored
        self._here = here

    async def positions(self) -> Mapping[int, PartitionPosition]:
        await self._here()
        return await self._stored.tallies.positions()

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        await self._here()
        moved = await self._stored.count(position_changes, tally_changes)
        await self._here()
        return moved

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        await self._stored.tallies.record_gap(partition, position, sequence)

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        await self._stored.tallies.quarantine_unsequenced(partition, records)


class Worker(Process):
    """One worker; it reads every partition, like one that does not know that another took over."""

    def __init__(self, stored: Stored, topic: Topic) -> None:
        super().__init__(ByHand())
        self._stored = stored
        self._topic = topic
        self.begin_anew()

    def begin_anew(self) -> None:
        self.offsets: dict[int, int] | None = None
        self._counter = BatchCounter(self.asked(self._stored), self._seek, lambda: NOW)

    def has_read_all(self) -> bool:
        """Whether nothing lies ahead of it."""
        return self.offsets is not None and not any(
            self._topic.fetch(partition, self.offsets[partition], 1) for partition in range(PARTITIONS)
        )

    def asked(self, stored: Stored) -> TallyStore:
        """How the database is asked."""
        return Asked(stored, self.driver.here)

    def _seek(self, partition: int, offset: int) -> None:
        assert self.offsets is not None, "a batch before the offsets"
        self.offsets[partition] = offset

    def work(self, what: int) -> Coroutine[Any, Any, None]:
        return self._work(what)

    async def _work(self, what: int) -> None:
        if self.offsets is None:
            with suppress(CutError):
                self.offsets = dict(await self._counter.load_offsets())
            return
        fetched = self._fetch(what, self.offsets)
        while fetched:
            try:
                await self._counter.count_fetch(fetched)
            except CutError:
                continue
            return

    def _fetch(self, what: int, offsets: dict[int, int]) -> dict[int, Sequence[Kept]]:
        shift, records_max = _SHIFTS[(what >> 2) % len(_SHIFTS)], 1 + (what >> 5)
        fetched = {}
        for partition in _PARTITIONS_FETCHED[what % len(_PARTITIONS_FETCHED)]:
            batch = self._topic.fetch(partition, offsets[partition] + shift, records_max)
            if batch:
                fetched[partition] = batch
                offsets[partition] = batch[-1].offset + 1
        return fetched


_PARTITIONS_FETCHED = ((0, 1), (0,), (1,), (0, 1))
_SHIFTS = (0, 0, 0, 0, 0, -1, -3, 1)
"""Most go on where the last one ended; some overlap with it, and some leave one out."""
