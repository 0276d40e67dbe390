"""Tallies in memory, held to the same suite as those in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from aggregator.counting import PARTITIONS, Cell, Fold
from aggregator.events import Stray
from aggregator.tallies import Place


class MemoryTallies:
    """See `aggregator.tallies.Tallies`. `failures` are raised by the next calls, one each."""

    def __init__(self) -> None:
        self.stored = {partition: Place(1, 0, 0) for partition in range(PARTITIONS)}
        self.counts: Counter[Cell] = Counter()
        self.gaps: dict[int, int] = {}
        self.quarantine: set[tuple[int | None, int, str]] = set()
        self.failures: list[Exception] = []
        self.lost_answers: list[Exception] = []

    async def places(self) -> Mapping[int, Place]:
        self._fail()
        return dict(self.stored)

    async def count(self, partition: int, place: Place, fold: Fold) -> bool:
        self._fail()
        held = self.stored[partition]
        if (held.set_id, held.sequence) != (place.set_id, fold.position):
            return False
        self.counts.update(fold.changes)
        next_offset = held.offset if fold.next_offset is None else fold.next_offset
        self.stored[partition] = Place(held.set_id, fold.last, next_offset)
        seen = [one for one in (fold.gap, self.gaps.pop(partition, None)) if one and one > fold.last + 1]
        if seen:
            self.gaps[partition] = min(seen)
        self.quarantine |= {(bad.sequence, bad.offset, bad.reason.value) for bad in fold.quarantined}
        if self.lost_answers:
            raise self.lost_answers.pop()
        return True

    async def note_gap(self, partition: int, place: Place, seen: int) -> None:
        self._fail()
        held = self.stored[partition]
        if (held.set_id, held.sequence) == (place.set_id, place.sequence):
            self.gaps[partition] = min(seen, self.gaps.get(partition, seen))

    async def keep_strays(self, partition: int, strays: Sequence[Stray]) -> None:
        self._fail()
        self.quarantine |= {(None, stray.offset, stray.reason.value) for stray in strays}

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop()
