"""Decides which partitions have stalled: those whose counted position stays below the published position.

The relay then inspects the topic, and rewinds the partition if the topic lacks events. This repairs every
kind of loss: a lost end of the topic, a truncated topic, or a failed batch. A rewind lowers the only
published position that the partition has, so the relay never sends two series of its events at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATIENCE_S: Final = 10.0
PATIENCE_S_MAX: Final = 640.0
"""The longest wait before an inspection, reached after many inspections of the same position."""
SILENCE_S: Final = 5.0
"""The longest time between two cuts that is included in the duration of a stall.

After a longer time without a cut, the duration starts at zero again, because nobody knows whether the counted
positions have moved meanwhile.
"""


class Verdict(Enum):
    """What `judge` finds about a partition's counted position."""

    COUNTED = "counted"  # every published event is counted
    MOVING = "moving"
    WAITING = "waiting"  # the position has not moved, but not long enough to inspect the topic
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class PositionWatch:
    """A counted position, and since when it has stayed below the published position.

    `stalls` is how often the partition has stalled at this position.
    """

    position: int
    since_s: float
    stalls: int = 0

    @property
    def patience_s(self) -> float:
        """How long the position may stay unchanged until it stalls: 10 s, 20 s, 40 s … up to 640 s."""
        return min(PATIENCE_S * 2.0**self.stalls, PATIENCE_S_MAX)


def judge(
    watch: PositionWatch | None, position: int, published: int, now_s: float
) -> tuple[PositionWatch, Verdict]:
    """Compare a partition's counted position with its earlier watch; return the new watch and the verdict."""
    if watch is None or position != watch.position:
        return PositionWatch(position, now_s), Verdict.MOVING
    if position >= published:
        # Keep the number of stalls. Just after a rewind the published position equals the counted position,
        # so this state does not show that the rewind has helped.
        return PositionWatch(position, now_s, watch.stalls), Verdict.COUNTED
    if now_s - watch.since_s < watch.patience_s:
        return watch, Verdict.WAITING
    return PositionWatch(position, now_s, watch.stalls + 1), Verdict.STALLED


@dataclass(frozen=True, slots=True)
class StallTracker:
    """The PositionWatch of each partition, and the time of the last cut (`observed_s`)."""

    watches: Mapping[int, PositionWatch]
    observed_s: float

    @staticmethod
    def start(now_s: float) -> StallTracker:
        """Return the state before the first cut."""
        return StallTracker({}, now_s)

    def observe(
        self, positions: Sequence[int], published: Sequence[int], now_s: float
    ) -> tuple[StallTracker, list[tuple[int, int, int]]]:
        """Compare a cut's positions with the published positions.

        Returns the new state, and (partition, position, number of stalls at this position) of each partition
        that has stalled.
        """
        silent = now_s - self.observed_s > SILENCE_S
        watches: dict[int, PositionWatch] = {}
        stalled: list[tuple[int, int, int]] = []
        for partition, (position, end) in enumerate(zip(positions, published, strict=True)):
            watch = self.watches.get(partition)
            if watch is not None and silent:
                watch = PositionWatch(watch.position, now_s, watch.stalls)
            watches[partition], verdict = judge(watch, position, end, now_s)
            if verdict is Verdict.STALLED:
                stalled.append((partition, position, watches[partition].stalls))
        return StallTracker(watches, now_s), stalled
