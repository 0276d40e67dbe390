"""Defines the port `TallyStore`, in which tallies and partition positions change together or not at all."""

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
    """A fold of one partition and the position from which the fold starts."""

    before: PartitionPosition
    fold: Fold

    @property
    def after(self) -> PartitionPosition:
        """The position after the fold.

        Its offset is that before the fold if no event of the fold was next in sequence.
        """
        offset = self.before.offset if self.fold.next_offset is None else self.fold.next_offset
        return PartitionPosition(self.before.set_id, self.fold.last, offset)


class TallyStore(Protocol):
    """Stores tallies and partition positions, which change together or not at all."""

    async def positions(self) -> Mapping[int, PartitionPosition]:
        """Return the position of each partition in the live set."""

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        """Apply the tally changes and all position changes, or none of them.

        `position_changes` is keyed by partition and is not empty; all its positions are of the same set of
        tallies. Returns False, with nothing changed, if another worker, a skip or a rebuild has changed a
        stored position since its fold was computed. The call may be repeated after any failure.
        """

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        """Store a gap: the event with `sequence` arrived, but it is not the next event after `position`.

        Does nothing if the stored position differs from `position`.
        """

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        """Quarantine records without a valid sequence, once per offset."""
