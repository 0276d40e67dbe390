"""Tallies in memory, held to the same suite as those in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from aggregator.domain.counting import PARTITIONS, Cell, TallyChanges
from aggregator.domain.event import StrayRecord
from aggregator.tallies.tally_store import PartitionPosition, PositionMove


class MemoryTallies:
    """See `aggregator.tallies.tally_store.Tallies`. `failures` are raised by the next calls, one each."""

    def __init__(self) -> None:
        self.stored = {partition: PartitionPosition(1, 0, 0) for partition in range(PARTITIONS)}
        self.counts: Counter[Cell] = Counter()
        self.gaps: dict[int, int] = {}
        self.quarantine: set[tuple[int | None, int, str]] = set()
        self.failures: list[Exception] = []
        self.lost_answers: list[Exception] = []

    async def places(self) -> Mapping[int, PartitionPosition]:
        self._fail()
        return dict(self.stored)

    async def count(self, moves: Mapping[int, PositionMove], sums: TallyChanges) -> bool:
        self._fail()
        for partition, move in moves.items():
            held = self.stored[partition]
            if (held.set_id, held.sequence) != (move.place.set_id, move.fold.position):
                return False
        self.counts.update(sums.changes)
        for partition, move in moves.items():
            self._move(partition, move)
        if self.lost_answers:
            raise self.lost_answers.pop()
        return True

    def _move(self, partition: int, move: PositionMove) -> None:
        fold = move.fold
        self.stored[partition] = move.reached
        seen = [one for one in (fold.gap, self.gaps.pop(partition, None)) if one and one > fold.last + 1]
        if seen:
            self.gaps[partition] = min(seen)
        self.quarantine |= {(bad.sequence, bad.offset, bad.reason.value) for bad in fold.quarantined}

    async def note_gap(self, partition: int, place: PartitionPosition, seen: int) -> None:
        self._fail()
        held = self.stored[partition]
        if (held.set_id, held.sequence) == (place.set_id, place.sequence):
            self.gaps[partition] = min(seen, self.gaps.get(partition, seen))

    async def keep_strays(self, partition: int, strays: Sequence[StrayRecord]) -> None:
        self._fail()
        self.quarantine |= {(None, stray.offset, stray.reason.value) for stray in strays}

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop()
