"""What counting needs of the place where tallies and positions are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.domain.counting import Fold, TallyChanges
from aggregator.domain.event import StrayRecord


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """Where counting stands in one partition: set of tallies, last counted sequence, where to read on."""

    set_id: int
    sequence: int
    offset: int


@dataclass(frozen=True, slots=True)
class PositionMove:
    """A fold of one partition, and the place it began at."""

    place: PartitionPosition
    fold: Fold

    @property
    def reached(self) -> PartitionPosition:
        """The place after it. Reading goes on where it did where no event was counted, only passed over."""
        offset = self.place.offset if self.fold.next_offset is None else self.fold.next_offset
        return PartitionPosition(self.place.set_id, self.fold.last, offset)


class TallyStore(Protocol):
    """TallyStore and positions that move together, or not at all."""

    async def places(self) -> Mapping[int, PartitionPosition]:
        """The place of each partition in the live set."""

    async def count(self, moves: Mapping[int, PositionMove], sums: TallyChanges) -> bool:
        """Add what the moves come to together and move all their positions, or nothing of it.

        `moves` by partition, of one set; none empty. False where a position is no longer the one its fold
        began at: another worker was here. The call may be repeated after any failure.
        """

    async def note_gap(self, partition: int, place: PartitionPosition, seen: int) -> None:
        """Remember that a sequence beyond the next one was met, while the position stands at `place`."""

    async def keep_strays(self, partition: int, strays: Sequence[StrayRecord]) -> None:
        """Remember records that have no place in the sequence, once each."""
