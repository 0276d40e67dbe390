"""The second set of tallies, into which a rebuild counts, and the errors that end a rebuild."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.domain.event_fold import Quarantined
from aggregator.tallies.tally_store import PartitionPosition


class RebuildImpossibleError(RuntimeError):
    """The topic lacks an event, so the rebuild cannot reach the live positions. The live set is unchanged."""


class RebuildSupersededError(RuntimeError):
    """Another rebuild is running, or began or ended meanwhile. This rebuild has not changed the live set."""


@dataclass(frozen=True, slots=True)
class RegisterEpoch:
    """An epoch of the register, and the register's last sequence of each partition after the epoch began."""

    number: int
    last_sequence: Sequence[int]


@dataclass(slots=True)
class ShadowSet:
    """The set of tallies into which a rebuild counts, and its progress.

    `register_epoch` is given if the rebuild counts a new epoch of the register.
    """

    set_id: int
    live_set_id: int
    live_epoch: int
    register_epoch: RegisterEpoch | None
    positions: dict[int, PartitionPosition]
    settled: dict[int, set[int]] = field(default_factory=dict)
    """Per partition, the sequences that were quarantined, applied or skipped."""
    quarantined: list[tuple[int, Quarantined]] = field(default_factory=list)
    """(partition, event) of the events that this rebuild could not count"""
    counted: int = 0

    @property
    def epoch(self) -> int:
        """The register's epoch whose events are counted."""
        return self.register_epoch.number if self.register_epoch else self.live_epoch

    def required(self, live_positions: Mapping[int, int]) -> Mapping[int, int]:
        """Return the sequences that this set must reach before it may become live, keyed by partition.

        These are the live positions, so that published positions never decrease. In a new epoch of the
        register the sequences have restarted, so the live positions do not apply: the set must reach the
        sequences that the register already had, so that no published count is below them.
        """
        return dict(enumerate(self.register_epoch.last_sequence)) if self.register_epoch else live_positions

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
        return "; ".join(missing) or "the required positions were never reached"
