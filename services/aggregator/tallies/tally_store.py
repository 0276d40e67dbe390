"""The port `TallyStore`: tallies and partition positions that change together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.domain.event import UnsequencedRecord
from aggregator.domain.event_fold import Fold
from aggregator.domain.roll_up import TallyChanges


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """The progress of one partition: its set of tallies, last counted sequence and next offset to read."""

    set_id: int
    sequence: int
    offset: int


@dataclass(frozen=True, slots=True)
class PositionChange:
    """A fold of one partition and the position from which it starts."""

    before: PartitionPosition
    fold: Fold

    @property
    def after(self) -> PartitionPosition:
        """The position afterwards; the offset is unchanged if the fold consumed no event."""
        offset = self.before.offset if self.fold.next_offset is None else self.fold.next_offset
        return PartitionPosition(self.before.set_id, self.fold.last, offset)


class TallyStore(Protocol):
    """Tallies and partition positions that change together or not at all."""

    async def positions(self) -> Mapping[int, PartitionPosition]:
        """Return the position of each partition in the live set."""

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        """Apply the tally changes and all position changes, or nothing of them.

        `position_changes` are keyed by partition, all of one set, and at least one. Returns False if a stored
        position differs from the one its fold starts from, because another worker counted meanwhile. The call
        may be repeated after any failure.
        """

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        """Record a gap while `position` is current: an event arrived with `sequence`, above the next one."""

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        """Quarantine records without a valid sequence, once per offset."""
