"""The second set of tallies that a rebuild counts, and the errors that end a rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregator.domain.event_fold import Quarantined
from aggregator.tallies.tally_store import PartitionPosition


class RebuildImpossibleError(RuntimeError):
    """The topic lacks an event, so the rebuild cannot reach the live positions. Nothing was changed."""


class RebuildSupersededError(RuntimeError):
    """Another rebuild began or ended meanwhile. Nothing was changed."""


@dataclass(slots=True)
class ShadowSet:
    """The set under construction and its progress."""

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
        """Whether the register began a new epoch: its sequences restarted, so live positions are void."""
        return self.epoch > self.live_epoch

    def behind(self, positions: Mapping[int, int]) -> int:
        """Count the events between this set's positions and the given sequences per partition."""
        return sum(
            max(0, sequence - self.positions[partition].sequence) for partition, sequence in positions.items()
        )

    def missing(self, positions: Mapping[int, int]) -> str:
        """Describe the next sequence of each partition that is behind the given sequences."""
        missing = [
            f"partition {partition} lacks sequence {self.positions[partition].sequence + 1}"
            for partition, sequence in positions.items()
            if self.positions[partition].sequence < sequence
        ]
        return "; ".join(missing) or "the live positions were never reached"
