"""The second set of tallies, into which a rebuild counts, and the errors that end a rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregator.domain.event_fold import Quarantined
from aggregator.tallies.tally_store import PartitionPosition


class RebuildImpossibleError(RuntimeError):
    """The topic lacks an event, so the rebuild cannot reach the live positions. The live set is unchanged."""


class RebuildSupersededError(RuntimeError):
    """Another rebuild is running, or began or ended meanwhile. This rebuild has not changed the live set."""


@dataclass(slots=True)
class ShadowSet:
    """The set of tallies into which a rebuild counts, and its progress."""

    set_id: int
    live_set_id: int
    live_epoch: int
    epoch: int
    positions: dict[int, PartitionPosition]
    settled: dict[int, set[int]] = field(default_factory=dict)
    """Per partition, the sequences that were quarantined, applied or skipped."""
    quarantined: list[tuple[int, Quarantined]] = field(default_factory=list)
    """(partition, event) of the events that this rebuild could not count"""
    counted: int = 0

    @property
    def accepts_lower_positions(self) -> bool:
        """Whether the set may become live with positions below the live ones.

        It may if the register began a new epoch: the register's sequences then restarted, so the live
        positions say nothing about them.
        """
        return self.epoch > self.live_epoch

    def behind(self, positions: Mapping[int, int]) -> int:
        """Return how many events this set has still to count to reach these sequences, keyed by partition."""
        return sum(
            max(0, sequence - self.positions[partition].sequence) for partition, sequence in positions.items()
        )

    def missing(self, positions: Mapping[int, int]) -> str:
        """Name the next needed sequence of each partition that has not reached its given sequence."""
        missing = [
            f"partition {partition} lacks sequence {self.positions[partition].sequence + 1}"
            for partition, sequence in positions.items()
            if self.positions[partition].sequence < sequence
        ]
        return "; ".join(missing) or "the live positions were never reached"
