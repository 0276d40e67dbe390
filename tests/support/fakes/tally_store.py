"""A tally store in memory. The suite of the port TallyStore runs on this fake and on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from aggregator.domain.event import UnsequencedRecord
from aggregator.domain.event_fold import PARTITIONS
from aggregator.domain.roll_up import Cell, TallyChanges
from aggregator.tallies.tally_store import PartitionPosition, PositionChange


class MemoryTallyStore:
    """See `aggregator.tallies.tally_store.TallyStore`. Each call raises one of `failures`, if any is left."""

    def __init__(self) -> None:
        self.stored = {partition: PartitionPosition(1, 0, 0) for partition in range(PARTITIONS)}
        self.counts: Counter[Cell] = Counter()
        self.gaps: dict[int, int] = {}
        self.quarantine: set[tuple[int | None, int, str]] = set()
        self.failures: list[Exception] = []
        self.lost_responses: list[Exception] = []

    async def positions(self) -> Mapping[int, PartitionPosition]:
        self._fail()
        return dict(self.stored)

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        self._fail()
        for partition, change in position_changes.items():
            stored = self.stored[partition]
            if (stored.set_id, stored.sequence) != (change.before.set_id, change.fold.position):
                return False
        self.counts.update(tally_changes.changes)
        for partition, change in position_changes.items():
            self._apply(partition, change)
        if self.lost_responses:
            raise self.lost_responses.pop()
        return True

    def _apply(self, partition: int, change: PositionChange) -> None:
        fold = change.fold
        self.stored[partition] = change.after
        gaps = [gap for gap in (fold.gap, self.gaps.pop(partition, None)) if gap and gap > fold.last + 1]
        if gaps:
            self.gaps[partition] = min(gaps)
        self.quarantine |= {(bad.sequence, bad.offset, bad.reason.value) for bad in fold.quarantined}

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        self._fail()
        stored = self.stored[partition]
        if (stored.set_id, stored.sequence) == (position.set_id, position.sequence):
            self.gaps[partition] = min(sequence, self.gaps.get(partition, sequence))

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        self._fail()
        self.quarantine |= {(None, record.offset, record.reason.value) for record in records}

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop()
